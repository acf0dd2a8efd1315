"""`Dataset`: training rows and named protocols, as a reader found them on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glimpse.datasets.layout import Count, Layout
from glimpse.errors import OptionError
from glimpse.protocols import Protocol
from glimpse.records import Records


@dataclass(frozen=True, eq=False)
class Dataset:
    """What one reader found in one folder.

    Attributes:
        layout: the facts about the layout it was read as.
        root: the folder that holds it.
        train: rows to train on; empty where the literature trains elsewhere.
        protocols: by name; the first is what is meant when none is named.
        validation: rows set aside by the data set's own lists, if they are not part of `train`.
        selection: the protocol that chooses models, never the test one; None if the set has none.
        problems: faults that did not stop reading, a sentence each.
        expected: the counts it was compared with: published, or those of the world that rendered it.
        rendered: whether a world rendered this folder.
    """

    layout: Layout
    root: Path
    train: Records
    protocols: Mapping[str, Protocol]
    validation: Records = field(default_factory=Records.empty)
    selection: str | None = None
    problems: tuple[str, ...] = ()
    expected: Mapping[str, Count] = field(default_factory=dict)
    rendered: bool = False

    @property
    def model_selection(self) -> Protocol | Records:
        """What chooses a model: the protocol `selection`, else the rows of `validation`, perhaps none."""
        return self.validation if self.selection is None else self.protocols[self.selection]

    def protocol(self, name: str | None = None) -> Protocol:
        """The protocol of that name, or the first one."""
        if name is None:
            return next(iter(self.protocols.values()))
        if name not in self.protocols:
            raise OptionError(
                f"{self.layout.name} has no protocol {name!r}; there are {', '.join(self.protocols)}"
            )
        return self.protocols[name]
