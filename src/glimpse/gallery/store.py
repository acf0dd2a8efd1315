"""`Store`: what a gallery asks of the engine that keeps its rows, and the rows themselves as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import StorageError
from glimpse.extras import require
from glimpse.gallery.where import Where

pa = require("pyarrow", extra="gallery", purpose="a gallery")
pc = require("pyarrow.compute", extra="gallery", purpose="a gallery")

Rows = Any
"""A `pyarrow.Table`."""
VECTOR, MASK, THUMBNAIL = "vector", "mask", "thumbnail"
LIGHT = (
    *("id", "added", "path", "source", "person", "camera"),
    *("modality", "kind", "time", "track", "caption"),
)
"""The columns that fit into memory for any number of rows: all but vectors, masks and thumbnails."""


def schema_of(dim: int, masked: bool) -> Any:
    """The columns of a table of vectors `[D]`.

    `id` is the SHA-256 of the image file, `added` nanoseconds since 1970; both together are never used again.
    An unknown time is null, as engines order NaN above every number.
    """
    vectors = pa.list_(pa.float32(), dim)
    kinds = {"added": pa.int64(), "person": pa.int64(), "camera": pa.int64(), "time": pa.float64()}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in LIGHT]
    fields += [pa.field(THUMBNAIL, pa.binary()), pa.field(VECTOR, vectors)]
    return pa.schema([*fields, pa.field(MASK, vectors)] if masked else fields)


@dataclass(frozen=True)
class Size:
    """What a table takes.

    Attributes:
        rows: that are there.
        versions: that its files still hold, the present one included.
        bytes: on the disk; None where the engine does not say.
    """

    rows: int
    versions: int
    bytes: int | None


class ChangedError(StorageError):
    """What was being read was replaced meanwhile; reading again helps."""


class Store(Protocol):
    """Tables of rows; every change is made whole or not at all, and is durable when the call returns.

    One process writes at a time: the gallery holds a lock. Any number of them read meanwhile.
    """

    def tables(self) -> list[str]:
        """The names of the tables, sorted."""
        ...

    def create(self, table: str, schema: Any) -> None:
        """Make an empty table; nothing if it is there."""
        ...

    def version(self, table: str) -> int:
        """A number that every change of the table changes; a `scan` sees what it tells of, or newer rows."""
        ...

    def append(self, table: str, rows: Rows) -> None:
        """Add rows, all or none."""
        ...

    def delete(self, table: str, where: Where) -> int:
        """Remove rows, all or none; how many. Their bytes may stay in files until `compact`."""
        ...

    def scan(self, table: str, columns: Sequence[str], where: Where | None = None) -> Iterator[Any]:
        """The rows as `pyarrow.RecordBatch`es, in an order that appending does not change."""
        ...

    def candidates(
        self, table: str, vector: NDArray[np.float32], count: int, where: Where | None = None
    ) -> Rows:
        """The rows with the largest inner products with `vector`, about `count`, their vectors included."""
        ...

    def compact(self, table: str) -> None:
        """Rewrite the table: its files hold its rows and nothing else, no old version, nothing deleted."""
        ...

    def size(self, table: str) -> Size:
        """What the table takes."""
        ...


def embeddings_of(rows: Rows) -> Embeddings:
    """The vectors of rows, and their masks if there are any."""
    masks = _matrix(rows.column(MASK)) if MASK in rows.schema.names else None
    return Embeddings(_matrix(rows.column(VECTOR)), masks)


def vector_column(values: NDArray[np.floating[Any]]) -> Any:
    """An array [N, D] as an Arrow column."""
    flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _matrix(column: Any) -> NDArray[np.float32]:
    width = column.type.list_size
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [np.asarray(chunk.flatten(), np.float32).reshape(-1, width) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty((0, width), np.float32)
