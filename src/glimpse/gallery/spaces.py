"""Whose vectors a gallery holds: a retriever's, or those of a model that Glimpse does not run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from glimpse.errors import OptionError
from glimpse.gallery.manifest import Space
from glimpse.retriever import Retriever
from glimpse.retriever.folder import find, shipped
from glimpse.similarity import Cosine, Similarity


@dataclass(frozen=True)
class MadeElsewhere:
    """Vectors of a model that Glimpse does not run.

    Attributes:
        name: of the model and its version: vectors of another name are not mixed with them.
        dim: of the vectors.
        similarity: compares them.
        masked: whether each comes with a mask.
    """

    name: str
    dim: int
    similarity: Similarity = field(default_factory=Cosine)
    masked: bool = False

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise OptionError(f"vectors have at least one dimension, got {self.dim}")

    @property
    def digest(self) -> str:
        """Of the name: nothing else is known of the model."""
        return hashlib.sha256(f"made elsewhere: {self.name}".encode()).hexdigest()


Maker = Retriever | MadeElsewhere | str | Path


def space_of(
    maker: Maker, name: str | None, candidates: int | None, device: str
) -> tuple[Retriever | MadeElsewhere, Space]:
    """What makes the vectors, loaded, and its space, which does not say yet how they are compared."""
    if candidates is not None and candidates < 1:
        raise OptionError(f"candidates must be at least 1, or left out to score every row, got {candidates}")
    reference: str | None = None
    if isinstance(maker, str | Path):
        # a name that comes with Glimpse stays one: where it is installed may change
        reference = str(maker) if find(maker) == shipped().get(str(maker)) else str(find(maker).resolve())
        named, maker = Path(reference).name, Retriever.load(maker, device=device)
    else:
        named = maker.name if isinstance(maker, MadeElsewhere) else "retriever"
    if isinstance(maker, MadeElsewhere):
        dim, masked = maker.dim, maker.masked
    else:
        black = maker.embed(np.zeros((1, 8, 4, 3), np.uint8))
        dim, masked = black.dim, black.masks is not None
    table = f"space_{maker.digest[:16]}"
    space = Space(name or named, maker.digest, table, dim, masked, "", reference, candidates)
    return maker, space


def described(space: Space) -> str:
    """A space for a sentence that refuses something."""
    return f"{space.name} ({space.dim} dimensions {'with' if space.masked else 'without'} masks)"
