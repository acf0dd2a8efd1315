"""`Where`: which rows of a gallery are meant."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.records.columns import IMAGE_MODALITIES, KINDS, NO_MODALITY
from glimpse.serial import from_text

if TYPE_CHECKING:
    from glimpse.gallery.store import Rows

Words = str | tuple[str, ...] | list[str] | None
Numbers = int | tuple[int, ...] | list[int] | None
_NUMBERS, _TIMES = ("person", "camera"), ("after", "before")
_WORDS = ("id", "source", "track", "path", "kind", "modality")
_NAMES = frozenset({"id", "person", "track", "path", "source"})
"""What may tell who somebody is: the audit log does not repeat it."""


@dataclass(frozen=True)
class Where:
    """Conditions that all must hold; a column that is not named is not asked for.

    A single value stands for itself, several for any of them.

    Attributes:
        id: SHA-256 of the image's file.
        person: number.
        camera: number.
        source: where the images came from, as `add` was told.
        track: name, together with its source usually.
        path: of the image's file.
        kind: whole, occluded, partial.
        modality: rgb, ir.
        after: not before this time.
        before: before this time. A row without a time meets neither.
        added_before: nanoseconds since 1970.

    >>> Where(camera=3, after=10.0).conditions
    {'camera': (3,), 'after': 10.0}
    """

    id: Words = None
    person: Numbers = None
    camera: Numbers = None
    source: Words = None
    track: Words = None
    path: Words = None
    kind: Words = None
    modality: Words = None
    after: float | None = None
    before: float | None = None
    added_before: int | None = None

    def __post_init__(self) -> None:
        for name, kind in (*((n, int) for n in _NUMBERS), *((n, str) for n in _WORDS)):
            value = getattr(self, name)
            if value is None:
                continue
            values = (value,) if isinstance(value, str | int | np.integer) else tuple(value)
            # numpy's integers are welcome, booleans are no numbers of persons
            values = tuple(int(v) if isinstance(v, np.integer) else v for v in values)
            if not all(type(v) is kind for v in values):
                what = "numbers" if kind is int else "texts"
                raise OptionError(f"the condition {name} takes {what}, got {value!r}")
            object.__setattr__(self, name, values)
        for name, allowed in (("kind", KINDS), ("modality", (*IMAGE_MODALITIES, NO_MODALITY))):
            for word in getattr(self, name) or ():
                if word not in allowed:
                    raise OptionError(f"the condition {name} is one of {allowed}, got {word!r}")
        for name in ("after", "before"):
            moment = getattr(self, name)
            if moment is not None and (isinstance(moment, bool) or not math.isfinite(moment)):
                raise OptionError(f"the condition {name} takes a number, got {moment!r}")

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Where:
        """From `key=value` as a command takes it; the same key again is one more value.

        >>> Where.parse(["camera=1", "camera=2", "after=10"]).conditions
        {'camera': (1, 2), 'after': 10.0}
        >>> Where.parse(["color=red"])
        Traceback (most recent call last):
        ...
        glimpse.errors.OptionError: there is no condition 'color'; there are id, source, track, path, kind, \
modality, person, camera, after, before
        """
        told: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals:
                raise OptionError(f"a condition is key=value, got {text!r}")
            if name in _WORDS:
                told[name] = (*told.get(name, ()), value)
            elif name in _NUMBERS:
                told[name] = (*told.get(name, ()), from_text(name, value, int))
            elif name in _TIMES:
                told[name] = from_text(name, value, float)
            else:
                there = ", ".join((*_WORDS, *_NUMBERS, *_TIMES))
                raise OptionError(f"there is no condition {name!r}; there are {there}")
        return cls(**told)

    @property
    def conditions(self) -> dict[str, Any]:
        """The conditions that there are, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def told(self) -> dict[str, Any]:
        """The conditions as a log may hold them: what tells who somebody is stands as its count.

        >>> Where(person=(7, 9), camera=3).told
        {'person': '2 values', 'camera': [3]}
        """
        shown: dict[str, Any] = {}
        for name, value in self.conditions.items():
            count = f"{len(value)} value{'s' * (len(value) != 1)}" if name in _NAMES else ""
            shown[name] = count or (list(value) if isinstance(value, tuple) else value)
        return shown

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.conditions)

    def mask(self, rows: Rows) -> NDArray[np.bool_]:
        """For each row of an Arrow table, whether it is meant."""
        import pyarrow.compute as pc
        from pyarrow import array

        kept = np.ones(rows.num_rows, bool)
        for name, value in self.conditions.items():
            if isinstance(value, tuple):
                column = rows.column(name)
                kept &= pc.is_in(column, value_set=array(value, column.type)).to_numpy()
        if self.added_before is not None:
            kept &= rows.column("added").to_numpy() < self.added_before
        if self.after is not None or self.before is not None:
            time = rows.column("time").to_numpy()  # null becomes NaN, which meets nothing
            kept &= time >= (-np.inf if self.after is None else self.after)
            kept &= time < (np.inf if self.before is None else self.before)
        return kept
