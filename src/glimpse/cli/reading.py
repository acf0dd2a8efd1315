"""Reading the data set that a command names as NAME:DIR."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from glimpse.datasets import Dataset


def read_source(source: str, options: Iterable[str] = ()) -> Dataset:
    """The data set; what is wrong with it but can be read past is said on standard error.

    Args:
        source: `NAME:DIR`.
        options: of its reader, as `key=value`.
    """
    import warnings

    from glimpse.datasets import DatasetWarning, reader
    from glimpse.datasets.source import parse_source
    from glimpse.options import typed_options

    name, root = parse_source(source)
    read = reader(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        dataset = read(root, **typed_options(read, options))
    for problem in dataset.problems:
        typer.echo(f"problem in {source}: {problem}", err=True)
    return dataset
