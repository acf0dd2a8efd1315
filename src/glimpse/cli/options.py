"""Options that several commands share, and what they ask for: an engine, a data set, a retriever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.choices import Dtype
from glimpse.errors import GlimpseError

if TYPE_CHECKING:
    from glimpse.datasets import Dataset
    from glimpse.retriever import Retriever
    from glimpse.training.engine import Engine


Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU if there is one.")]
PassDtype = Annotated[Dtype, typer.Option(help="Of the network's passes.")]
CompileWith = Annotated[
    str | None, typer.Option("--compile", metavar="BACKEND", help="torch.compile with it, as inductor.")
]
CheckpointSteps = Annotated[
    int | None,
    typer.Option(min=1, max=1_000_000, help="Steps between checkpoints, instead of one per epoch."),
]
Threads = Annotated[
    int | None,
    typer.Option(help="Of torch, all cores if left out; other numbers of threads differ in the last bits."),
]

Average = Annotated[
    float | None,
    typer.Option(
        metavar="DECAY", help="Give a moving average of the weights (EMA), as 0.999, not the last ones."
    ),
]
Tensorboard = Annotated[
    bool,
    typer.Option("--tensorboard", help="Write TensorBoard events into the run too; needs the extra."),
]


Parts = Annotated[
    str | None,
    typer.Option(
        metavar="WORD:PLACE",
        help="Where parts are, for methods that learn from part labels: labels:DIR, pascal:DIR, lip:DIR, "
        "atr:DIR, pose:FILE, blazepose:FILE, stripes:NUMBER or world:DIR.",
    ),
]
Merge = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE", help="How labels merge into parts: own, common, pascal, or a JSON file."
    ),
]


class Stopped(GlimpseError):
    """A user stopped the work; the sentence says how it goes on."""


@contextmanager
def resumable(how: str) -> Iterator[None]:
    """Say how work that Ctrl-C stops goes on.

    >>> with resumable("the same command"):
    ...     raise KeyboardInterrupt
    Traceback (most recent call last):
    ...
    glimpse.cli.options.Stopped: stopped; go on with the same command
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(f"stopped; go on with {how}") from None


def engine_of(
    device: str,
    dtype: Dtype,
    compile_with: str | None,
    checkpoint_steps: int | None,
    threads: int | None,
    *,
    validate_every: int = 1,
    average: float | None = None,
    tensorboard: bool = False,
) -> Engine:
    """The engine that the options ask for; torch computes with so many threads from here on."""
    import torch

    from glimpse.extras import require
    from glimpse.runtime import check_threads
    from glimpse.training.engine import Engine

    check_threads("--threads", threads)
    if threads is not None:
        torch.set_num_threads(threads)
    if tensorboard:
        # before anything is prepared: to learn of it afterwards would cost the preparation
        require("torch.utils.tensorboard", extra="tensorboard", purpose="writing TensorBoard events")
    return Engine(
        device=device,
        dtype=dtype,
        compile_backend=compile_with,
        checkpoint_steps=checkpoint_steps,
        validate_every=validate_every,
        average=average,
        tensorboard=tensorboard,
    )


def read_source(source: str, options: Iterable[str] = ()) -> Dataset:
    """The data set; what is wrong with it but can be read past is said on standard error.

    Args:
        source: `NAME:DIR`.
        options: of its reader, as `key=value`.
    """
    import warnings

    from glimpse.datasets import DatasetWarning, reader
    from glimpse.datasets.catalog import parse_source
    from glimpse.files import printable
    from glimpse.options import typed_options

    name, root = parse_source(source)
    read = reader(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        dataset = read(root, **typed_options(read, options))
    for problem in dataset.problems:
        typer.echo(printable(f"problem in {source}: {problem}"), err=True)
    return dataset


Flip = Annotated[bool, typer.Option("--flip", help="Average each vector with that of the mirrored image.")]


def load_retriever(name: str, *, device: str, bfloat16: bool = False, flip: bool = False) -> Retriever:
    """A folder's retriever, or one that comes with Glimpse; `flip` counts beside what its card says."""
    from glimpse.retriever import Retriever
    from glimpse.runtime import torch_device

    loaded = Retriever.load(name, device=str(torch_device(device)), bfloat16=bfloat16)
    return loaded.averaging_mirrored() if flip else loaded
