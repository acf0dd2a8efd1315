"""The options of every command that embeds with a retriever, and the retriever that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from glimpse.retriever import Retriever

Flip = Annotated[bool, typer.Option("--flip", help="Average each vector with that of the mirrored picture.")]


def load_retriever(name: str, *, device: str, bfloat16: bool = False, flip: bool = False) -> Retriever:
    """A folder's retriever, or one that comes with Glimpse; `flip` counts beside what its card says."""
    from glimpse.retriever import Retriever
    from glimpse.training.engine import Engine

    loaded = Retriever.load(name, device=str(Engine(device=device).torch_device()), bfloat16=bfloat16)
    return loaded.averaging_mirrored() if flip else loaded
