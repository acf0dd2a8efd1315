"""`Layout`: what is published about a data set, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Count:
    """How many persons and rows a part of a data set has; None where no source says."""

    persons: int | None
    rows: int | None

    def __str__(self) -> str:
        def show(number: int | None) -> str:
            return "?" if number is None else f"{number:,}"

        return f"{show(self.persons)} persons / {show(self.rows)} rows"


@dataclass(frozen=True)
class Layout:
    """One published on-disk layout.

    Attributes:
        name: as commands take it.
        title: as the literature writes it.
        task: what its queries are: whole, occluded, partial, infrared, text, or your own.
        folders: names under which the root folder is found in the wild.
        tree: what must be inside, in one line.
        grants: who gives the data to whom.
        published: counts by part, as `glimpse.datasets.counts.part_counts` names the parts.
        published_valid: valid queries by protocol.
        withdrawn: the owners withdrew it; only a copy that the user has is ever read.
        rendered: the procedural world can write this layout.
        splits: numbers of its train and test splits, each a data set of its own; empty for one.
    """

    name: str
    title: str
    task: str
    folders: tuple[str, ...]
    tree: str
    grants: str
    published: Mapping[str, Count] = field(default_factory=dict)
    published_valid: Mapping[str, int] = field(default_factory=dict)
    withdrawn: bool = False
    rendered: bool = False
    splits: tuple[int, ...] = ()
