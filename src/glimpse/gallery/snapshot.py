"""`Snapshot`: one version of a table in memory, its vectors mapped from a file beside the gallery.

Engines are slow at scoring every row, and know one similarity or two. So all vectors lie once more in a file
that is mapped (`cache/`), made from the store and at any time to be made again; a search reads it in place.
Rows that came since are read from the store into memory, rows that went are passed over, and from time to
time the file is made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError, ShapeError, StorageError
from glimpse.files import atomic_path, locked
from glimpse.gallery.store import LIGHT, MASK, VECTOR, ChangedError, Rows, Store, embeddings_of, pa, schema_of
from glimpse.gallery.where import Where
from glimpse.records import IntArray
from glimpse.retriever.vector_file import VectorFile, map_arrays

_FEW = 4096  # our choice: so many new rows are read into memory without thinking of a new file
_SHARE = 4  # our choice: and up to a quarter of all
_TRIES = 5


@dataclass(frozen=True, eq=False)
class Part:
    """Vectors that lie together.

    Attributes:
        embeddings: [M] rows, perhaps mapped.
        ids: [M, 32] bytes, of the images.
        added: [M] nanoseconds.
        chosen: which of the rows are in the snapshot, ascending.
    """

    embeddings: Embeddings
    ids: NDArray[np.uint8]
    added: IntArray
    chosen: IntArray


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The rows of a table as they were at one moment.

    Attributes:
        version: of the table.
        rows: an Arrow table of the columns but for vectors.
        parts: their vectors, in the order of the rows.
    """

    version: int
    rows: Rows
    parts: tuple[Part, ...]

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def embeddings(self, rows: IntArray) -> Embeddings:
        """The vectors of some rows, a copy, in the order asked for."""
        taken = [part.embeddings[places] for part, places, _ in self.pieces(np.sort(rows))]
        order = np.argsort(np.argsort(rows, kind="stable"), kind="stable")
        return joined(taken)[order] if taken else self.parts[0].embeddings[:0]

    def pieces(self, rows: IntArray) -> Iterator[tuple[Part, IntArray, IntArray]]:
        """For each part that has any of the rows (ascending): their places in it, and the rows."""
        first = 0
        for part in self.parts:
            last = first + len(part.chosen)
            here = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
            if len(here):
                yield part, part.chosen[here - first], here
            first = last


class Matrix:
    """The newest snapshot of a table.

    Args:
        store: holds the table.
        table: its name.
        dim: of the vectors.
        masked: whether each has a mask.
        cache: the file that vectors are mapped from.
        lock: of the gallery's writers: the file is written only while it is held, so that what is erased
            cannot come back by it.
    """

    def __init__(self, store: Store, table: str, dim: int, masked: bool, cache: Path, lock: Path) -> None:
        self._store = store
        self._table = table
        self._schema = schema_of(dim, masked)
        self._columns = (VECTOR, MASK) if masked else (VECTOR,)
        self._cache = cache
        self._lock = lock
        self._held: Snapshot | None = None

    def current(self) -> Snapshot:
        """The table as it is now."""
        for left in reversed(range(_TRIES)):
            try:
                version = self._store.version(self._table)
                if self._held is None or self._held.version != version:
                    self._held = self._read(version)
                return self._held
            except ChangedError:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def forget(self) -> None:
        """Drop what is in memory and the file; the caller holds the lock."""
        self._held = None
        with suppress(OSError):
            self._cache.unlink(missing_ok=True)

    def _read(self, version: int) -> Snapshot:
        parts = self._cached() if self._held is None else self._held.parts
        rows = self._scan(LIGHT)
        part, place = _located(rows, parts)
        lacking = np.flatnonzero(part < 0)
        most = max(_FEW, rows.num_rows // _SHARE)
        beyond = len(lacking) + sum(len(p.chosen) for p in parts[1:])
        if not parts or beyond > most or np.sum(part == 0) * 2 < len(parts[0].ids):
            with self._writable() as writable:
                # under the lock the newest version is read: a file of an older one could hold what is erased
                version = self._store.version(self._table) if writable else version
                rows = self._scan(LIGHT)
                try:
                    parts = (self._read_all(rows.num_rows, writable),)
                except ChangedError:
                    raise
                except StorageError:  # no room for the file: searching must go on when the disk is full
                    parts = (self._read_all(rows.num_rows, writable=False),)
        elif len(lacking):
            parts = (parts[0], self._tail(parts[1:], part, place, rows.take(lacking)))
        else:
            return _assembled(version, rows, parts, part, place)
        return _assembled(version, rows, parts, *_located(rows, parts))

    def _tail(self, tails: tuple[Part, ...], part: IntArray, place: IntArray, lacking: Rows) -> Part:
        """The rows that no file holds: those in memory that are still there, and those that are lacking."""
        taken: list[tuple[Embeddings, NDArray[np.uint8], IntArray]] = []
        for number, tail in enumerate(tails, start=1):
            kept = np.sort(place[part == number])
            taken.append((tail.embeddings[kept], tail.ids[kept], tail.added[kept]))
        wanted = lacking.column("id").to_pylist()
        for start in range(0, len(wanted), _FEW):
            found = self._scan(("id", "added", *self._columns), Where(id=wanted[start : start + _FEW]))
            taken.append((embeddings_of(found), _ids(found), _added(found)))
        embeddings, ids, added = zip(*taken, strict=True)
        return Part(joined(embeddings), np.concatenate(ids), np.concatenate(added), np.empty(0, np.int64))

    def _read_all(self, count: int, writable: bool) -> Part:
        """All vectors, into the file if that may be written, else into memory."""
        with ExitStack() as stack:
            ids, added = np.zeros((count, 32), np.uint8), np.zeros(count, np.int64)
            file: VectorFile | None = None
            if writable:
                temporary = stack.enter_context(atomic_path(self._cache))
                file = VectorFile(temporary, None, {"ids": ids, "added": added})
            dim, masked = self._schema.field(VECTOR).type.list_size, MASK in self._columns
            if file is None:
                vectors = np.empty((count, dim), np.float32)
                masks = np.empty((count, dim), np.float32) if masked else None
            else:
                vectors, masks = file.allocate(count, dim, masked)
            done = 0
            for batch in self._store.scan(self._table, ("id", "added", *self._columns)):
                part = pa.Table.from_batches([batch])
                if done + part.num_rows > count:
                    raise ChangedError("the gallery grew while it was read")
                place = slice(done, done + part.num_rows)
                embeddings = embeddings_of(part)
                vectors[place], ids[place], added[place] = embeddings.vectors, _ids(part), _added(part)
                if masks is not None and embeddings.masks is not None:
                    masks[place] = embeddings.masks
                done = place.stop
            if done != count:
                raise ChangedError("the gallery shrank while it was read")
            if file is None:
                return Part(Embeddings(vectors, masks), ids, added, np.arange(count))
            file.finish(count)
        (part_,) = self._cached()
        return part_

    def _cached(self) -> tuple[Part, ...]:
        """What the file holds; nothing if there is none, or it is damaged: it can be made again."""
        try:
            held = map_arrays(self._cache)
            embeddings = Embeddings(held[VECTOR + "s"], held.get(MASK + "s"))
            ids, added = np.array(held["ids"]), np.array(held["added"])
        except (StorageError, ShapeError, KeyError):
            return ()
        rows = len(embeddings)
        if embeddings.dim != self._schema.field(VECTOR).type.list_size or ids.shape != (rows, 32):
            return ()
        return (Part(embeddings, ids, added, np.arange(rows)),)

    def _scan(self, columns: tuple[str, ...], where: Where | None = None) -> Rows:
        schema = pa.schema([self._schema.field(name) for name in columns])
        return pa.Table.from_batches(
            [batch.cast(schema) for batch in self._store.scan(self._table, columns, where)], schema
        )

    @contextmanager
    def _writable(self) -> Iterator[bool]:
        """Whether the file may be written: nobody changes the gallery, and its folder takes files."""
        with ExitStack() as stack:
            try:
                self._cache.parent.mkdir(exist_ok=True)
                stack.enter_context(locked(self._lock, wait=False))
            except (OSError, GlimpseError):
                yield False
                return
            yield True


def joined(parts: list[Embeddings] | tuple[Embeddings, ...]) -> Embeddings:
    """Embeddings under each other; where only some have masks, the others are trusted fully."""
    vectors = np.concatenate([part.vectors for part in parts])
    if all(part.masks is None for part in parts):
        return Embeddings(vectors)
    masks = [np.ones_like(p.vectors) if p.masks is None else p.masks for p in parts]
    return Embeddings(vectors, np.concatenate(masks))


def _assembled(
    version: int, rows: Rows, parts: tuple[Part, ...], part: IntArray, place: IntArray
) -> Snapshot:
    """The rows in the order of their vectors; a row without one came while the vectors were read."""
    order = np.lexsort((place, part))
    order = order[part[order] >= 0]
    if not np.array_equal(order, np.arange(rows.num_rows)):
        rows = rows.take(order)
    held = tuple(
        Part(p.embeddings, p.ids, p.added, np.sort(place[part == number])) for number, p in enumerate(parts)
    )
    return Snapshot(version, rows, held)


def _located(rows: Rows, parts: tuple[Part, ...]) -> tuple[IntArray, IntArray]:
    """For each row in which part its vector is, -1 for none, and its place there."""
    ids, added = _ids(rows), _added(rows)
    keys = _keys(ids, added)
    part, place = np.full(len(keys), -1), np.zeros(len(keys), np.int64)
    for number, held in enumerate(parts):
        if not len(held.ids):
            continue
        theirs = _keys(held.ids, held.added)
        order = np.argsort(theirs, kind="stable")
        near = order[np.minimum(np.searchsorted(theirs[order], keys), len(order) - 1)]
        same = (theirs[near] == keys) & (held.added[near] == added) & (held.ids[near] == ids).all(1)
        part[same], place[same] = number, near[same]
    return part, place


def _keys(ids: NDArray[np.uint8], added: IntArray) -> NDArray[np.uint64]:
    first = np.ascontiguousarray(ids[:, :8]).view(np.uint64).reshape(-1)
    return first ^ added.astype(np.uint64)


def _ids(rows: Rows) -> NDArray[np.uint8]:
    text = "".join(rows.column("id").to_pylist())
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, 32)


def _added(rows: Rows) -> IntArray:
    return np.asarray(rows.column("added").to_numpy(), np.int64)
