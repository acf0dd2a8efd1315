"""`Records`: the one table that every part of Glimpse speaks, a row per image or caption."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import RecordsError
from glimpse.records.columns import (
    CORE_COLUMNS,
    JUNK,
    KINDS,
    MODALITIES,
    NO_CAMERA,
    NO_MODALITY,
    RGB,
    TEXT,
    Array,
    IntArray,
    check_rows,
    extra_column,
    frozen,
    length,
    same,
    strings,
    times,
    whole_numbers,
    words,
)


@dataclass(frozen=True, eq=False)
class Records:
    """A frozen, columnar table; `N` rows, each an image or a caption of one.

    Persons and cameras keep the numbers that their data set prints. `labels` makes them
    0-based and contiguous where a classifier or an embedding table needs that.

    Attributes:
        path: [N] str; the file that can be opened. A caption's row has its image's path.
        person: [N] int64; `JUNK` and `DISTRACTOR` are the only negative values.
        camera: [N] int64; `NO_CAMERA` where it is not known.
        modality: [N] str; one of `MODALITIES`, or `NO_MODALITY` where it is not known.
        caption: [N] str; empty for images.
        time: [N] float64; seconds or a frame number, comparable within one camera; NaN if unknown.
        kind: [N] str; one of `KINDS`.
        extra: further columns by name, each [N, ...]: ground truth, names, sequence numbers.

    >>> table = Records.from_rows([
    ...     {"path": "a.jpg", "person": 7, "camera": 1},
    ...     {"path": "b.jpg", "person": 9, "camera": 2},
    ... ])
    >>> len(table), table.filter(camera=2).path.tolist()
    (2, ['b.jpg'])
    """

    path: Array
    person: IntArray
    camera: IntArray
    modality: Array
    caption: Array
    time: NDArray[np.float64]
    kind: Array
    extra: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = length(self.path)
        columns: dict[str, Array] = {
            "path": strings("path", self.path),
            "person": whole_numbers("person", self.person),
            "camera": whole_numbers("camera", self.camera),
            "modality": words("modality", self.modality, (*MODALITIES, NO_MODALITY)),
            "caption": strings("caption", self.caption),
            "time": times(self.time),
            "kind": words("kind", self.kind, KINDS),
        }
        extra = {name: extra_column(name, values) for name, values in self.extra.items()}
        for name, values in (*columns.items(), *extra.items()):
            if len(values) != rows:
                raise RecordsError(f"column {name} has {len(values)} rows, expected {rows} as in path")
        check_rows(columns)
        for name, values in columns.items():
            object.__setattr__(self, name, frozen(values))
        object.__setattr__(self, "extra", MappingProxyType({k: frozen(v) for k, v in extra.items()}))

    @classmethod
    def from_columns(
        cls,
        path: ArrayLike,
        person: ArrayLike,
        *,
        camera: ArrayLike | None = None,
        modality: ArrayLike | None = None,
        caption: ArrayLike | None = None,
        time: ArrayLike | None = None,
        kind: ArrayLike | None = None,
        extra: Mapping[str, ArrayLike] | None = None,
    ) -> Records:
        """Build a table from columns; a scalar is repeated on every row, an absent column is unknown."""
        rows = length(path)

        def column(values: ArrayLike | None, unknown: object, dtype: Any = None) -> Array:
            given = np.asarray(unknown if values is None else values, dtype=dtype)
            return np.full(rows, given) if given.ndim == 0 else given

        return cls(
            path=np.asarray(path, dtype=object),
            person=column(person, JUNK),
            camera=column(camera, NO_CAMERA),
            modality=column(modality, RGB),
            caption=column(caption, "", object),
            time=column(time, np.nan),
            kind=column(kind, ""),
            extra={name: np.asarray(values) for name, values in (extra or {}).items()},
        )

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Records:
        """Build a table from one mapping per row; `path` and `person` are needed, the rest may be absent.

        A column outside `CORE_COLUMNS` becomes an extra column and must then be in every row.
        """
        table = list(rows)
        if not table:
            return cls.empty()
        defaults = {"camera": NO_CAMERA, "modality": RGB, "caption": "", "time": np.nan, "kind": ""}
        further = [name for name in table[0] if name not in CORE_COLUMNS]
        expected = set(further)
        for number, row in enumerate(table):
            missing = ({"path", "person"} | expected) - row.keys()
            unknown = row.keys() - expected - set(CORE_COLUMNS)
            if missing:
                raise RecordsError(f"row {number} has no column {min(missing)}")
            if unknown:
                raise RecordsError(f"row {number}, column {min(unknown)}: row 0 has no such column")
        return cls.from_columns(
            [row["path"] for row in table],
            [row["person"] for row in table],
            **{name: [row.get(name, value) for row in table] for name, value in defaults.items()},
            extra={name: [row[name] for row in table] for name in further},
        )

    @classmethod
    def empty(cls) -> Records:
        """A table without rows."""
        return cls.from_columns([], np.empty(0, np.int64))

    @classmethod
    def concat(cls, tables: Sequence[Records]) -> Records:
        """Put tables under each other; their extra columns must agree. No table gives an empty one."""
        filled = [table for table in tables if len(table)] or list(tables[:1])
        if not filled:
            return cls.empty()
        names = list(filled[0].extra)
        for number, table in enumerate(filled):
            if set(table.extra) != set(names):
                raise RecordsError(
                    f"table {number} has the extra columns {sorted(table.extra)}, expected {sorted(names)}"
                )
            for name in names:
                got, expected = table.extra[name].shape[1:], filled[0].extra[name].shape[1:]
                if got != expected:
                    raise RecordsError(
                        f"table {number}, column {name} has rows of shape {got}, expected {expected}"
                    )
        return cls(
            **{name: np.concatenate([getattr(table, name) for table in filled]) for name in CORE_COLUMNS},
            extra={name: np.concatenate([table.extra[name] for table in filled]) for name in names},
        )

    def __len__(self) -> int:
        return len(self.path)

    def __iter__(self) -> Iterator[Records]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: int | np.integer[Any] | slice | ArrayLike) -> Records:
        """The chosen rows as a table: one number, a slice, a list of numbers, or a boolean [N]."""
        chosen = self._chosen(rows)
        part = object.__new__(Records)  # the rows were checked when this table was made
        for name in CORE_COLUMNS:
            object.__setattr__(part, name, frozen(getattr(self, name)[chosen]))
        extra = {name: frozen(values[chosen]) for name, values in self.extra.items()}
        object.__setattr__(part, "extra", MappingProxyType(extra))
        return part

    def _chosen(self, rows: int | np.integer[Any] | slice | ArrayLike) -> slice | Array:
        if isinstance(rows, slice):
            return rows
        chosen = np.asarray(rows)
        if chosen.size == 0 and chosen.dtype != np.bool_:
            return np.empty(0, np.int64)
        if chosen.dtype == np.bool_:
            if chosen.shape != (len(self),):
                raise RecordsError(f"a mask of shape {chosen.shape} cannot choose from {len(self)} rows")
            return chosen
        if chosen.ndim > 1 or not np.issubdtype(chosen.dtype, np.integer):
            raise RecordsError(
                f"rows are chosen by whole numbers or a mask, got {chosen.dtype} {chosen.shape}"
            )
        chosen = np.atleast_1d(chosen)
        if chosen.min() < -len(self) or chosen.max() >= len(self):
            raise RecordsError(f"row {chosen.max()} asked for, but there are only {len(self)} rows")
        return chosen

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Records):
            return NotImplemented
        if len(self) != len(other) or set(self.extra) != set(other.extra):
            return False
        pairs = [(getattr(self, name), getattr(other, name)) for name in CORE_COLUMNS]
        pairs += [(values, other.extra[name]) for name, values in self.extra.items()]
        return all(same(mine, theirs) for mine, theirs in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        persons = len(np.unique(self.person[self.person >= 0]))
        return f"Records({len(self)} rows, {persons} persons, {len(self.cameras)} cameras)"

    def filter(
        self, where: Callable[[Records], ArrayLike] | None = None, **columns: object | Collection[object]
    ) -> Records:
        """The rows that meet every condition: `filter(camera=[1, 2], modality="rgb")`.

        Args:
            where: a function of the table that returns a boolean [N].
            columns: for a column, the value wanted or a collection of them.
        """
        keep = np.ones(len(self), bool)
        for name, wanted in columns.items():
            many = isinstance(wanted, Collection) and not isinstance(wanted, str)
            values = list(wanted) if isinstance(wanted, Collection) and many else [wanted]
            present = self.column(name)
            # numpy compares an empty list as float, which a column of strings refuses
            keep &= np.isin(present, np.asarray(values, present.dtype)) if values else False
        if where is not None:
            mask = np.asarray(where(self))
            if mask.dtype != np.bool_:
                raise RecordsError(f"the condition must return booleans, got {mask.dtype}")
            keep &= mask
        return self[keep]

    def column(self, name: str) -> Array:
        """A core or an extra column by its name."""
        if name in CORE_COLUMNS:
            return np.asarray(getattr(self, name))
        if name in self.extra:
            return self.extra[name]
        raise RecordsError(f"no column {name}; there are {', '.join((*CORE_COLUMNS, *self.extra))}")

    def with_columns(self, **columns: ArrayLike) -> Records:
        """The same rows with columns replaced or extra columns added; a scalar is repeated."""
        values: dict[str, Array] = {}
        for name, given in columns.items():
            array = np.asarray(given)
            values[name] = np.full(len(self), array) if array.ndim == 0 else array
        core = {name: values.pop(name, getattr(self, name)) for name in CORE_COLUMNS}
        return Records(**core, extra={**self.extra, **values})

    def without_columns(self, *names: str) -> Records:
        """The same rows without these extra columns."""
        for name in names:
            if name not in self.extra:
                raise RecordsError(f"no extra column {name}; there are {', '.join(self.extra) or 'none'}")
        core = {name: getattr(self, name) for name in CORE_COLUMNS}
        return Records(**core, extra={k: v for k, v in self.extra.items() if k not in names})

    def labels(self, column: str = "person") -> tuple[IntArray, Array]:
        """Contiguous labels from 0, and the sorted values they stand for, so every machine agrees.

        >>> table = Records.from_columns(["a", "b", "c"], [7, 3, 7])
        >>> labels, persons = table.labels()
        >>> labels.tolist(), persons.tolist()
        ([1, 0, 1], [3, 7])
        """
        values, inverse = np.unique(self.column(column), return_inverse=True)
        return inverse.astype(np.int64).reshape(-1), values

    @property
    def persons(self) -> IntArray:
        """The persons that occur, sorted; neither junk nor distractors."""
        found: IntArray = np.unique(self.person[self.person >= 0])
        return found

    @property
    def cameras(self) -> IntArray:
        """The known cameras that occur, sorted."""
        found: IntArray = np.unique(self.camera[self.camera != NO_CAMERA])
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of which image or caption each row is, in order; what rows say of them does not count.

        It binds saved embeddings to the table of their rows.
        """
        made_of = hashlib.sha256()
        for path, caption, modality in zip(self.path, self.caption, self.modality, strict=True):
            made_of.update(json.dumps([path, caption if modality == TEXT else ""]).encode())
        return made_of.hexdigest()

    def save(self, path: Path | str) -> None:
        """Write the table; the ending says how: `.csv`, `.arrow` or `.parquet` (extra `arrow`)."""
        from glimpse.records.storage import save

        save(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Records:
        """Read a table that `save` wrote."""
        from glimpse.records.storage import load

        return load(Path(path))
