"""What the verbs of a gallery share: its folder, its store, its retrievers, and the right to change it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from glimpse.errors import OptionError, StorageError
from glimpse.files import locked, printable
from glimpse.gallery.audit import AUDIT, Audit, account
from glimpse.gallery.lance import LanceStore
from glimpse.gallery.manifest import Manifest, Space, read_comparison, read_manifest, write_manifest
from glimpse.gallery.snapshot import Matrix
from glimpse.gallery.store import Rows, Store, pa
from glimpse.retriever import Retriever
from glimpse.similarity import Similarity

LOCK, CACHE, ROWS = ".lock", "cache", "rows"


@dataclass(frozen=True)
class Access:
    """As whom and how a process works with a gallery.

    Attributes:
        who: acts, for the audit log; the account of the process if left out.
        purpose: why, for the audit log.
        device: where networks compute.
        wait: whether a change waits while another process changes the gallery, or is refused.
        clock: nanoseconds since 1970.
    """

    who: str = field(default_factory=account)
    purpose: str = ""
    device: str = "cpu"
    wait: bool = True
    clock: Callable[[], int] = time.time_ns


class Held:
    """A gallery as one process has it open."""

    def __init__(self, folder: Path, access: Access) -> None:
        self.folder = folder
        self.access = access
        self.manifest = read_manifest(folder)
        self.audit = Audit(folder / AUDIT, access.who, access.purpose, access.clock)
        self.store = store_of(folder, self.manifest)
        self.makers: dict[str, Retriever] = {}
        self.ids: dict[str, tuple[int, set[str]]] = {}
        """Of each table, its ids at a version."""
        self._matrices: dict[str, Matrix] = {}

    def reread(self) -> Manifest:
        """The manifest as it is now: another process may have changed it."""
        self.manifest = read_manifest(self.folder)
        return self.manifest

    def matrix(self, space: Space) -> Matrix:
        """The vectors of a space."""
        if space.table not in self._matrices:
            cache = self.folder / CACHE / f"{space.table}.safetensors"
            self._matrices[space.table] = Matrix(
                self.store, space.table, space.dim, space.masked, cache, self.folder / LOCK
            )
        return self._matrices[space.table]

    def similarity(self, space: Space) -> Similarity:
        """How the vectors of a space are compared."""
        if space.name in self.makers:
            return self.makers[space.name].similarity
        return read_comparison(self.folder, space)

    def maker(self, space: Space) -> Retriever:
        """The retriever of a space, and no other."""
        if space.name not in self.makers:
            if space.retriever is None:
                raise OptionError(
                    f"the vectors of the space {space.name} were made elsewhere: images are added and asked "
                    "for as embeddings, or with the retriever that `open` is given"
                )
            retriever = Retriever.load(space.retriever, device=self.access.device)
            if retriever.digest != space.digest:
                raise StorageError(
                    f"the retriever {printable(space.retriever)} is not the one that made the vectors of the "
                    f"space {space.name}, and its own are not comparable with them: add it as a space"
                )
            self.makers[space.name] = retriever
        return self.makers[space.name]

    def everything(self) -> Rows:
        """All images of all spaces, without vectors, each once."""
        tables = [self.matrix(space).current().rows for space in self.manifest.spaces]
        if len(tables) == 1:
            return tables[0]
        return each_once(pa.concat_tables(tables))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Alone in changing the gallery; what an erasure left undone is done first."""
        with locked(self.folder / LOCK, wait=self.access.wait):
            self.manifest = read_manifest(self.folder)
            if self.manifest.unfinished:
                self.audit.write("erase", "resumed")
                self.compact()
                self.write(replace(self.manifest, unfinished=False))
            yield

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest; the lock is held."""
        write_manifest(self.folder, manifest)
        self.manifest = manifest

    def compact(self) -> None:
        """Nothing but the present rows is left in any file; the lock is held."""
        self.ids.clear()
        for space in self.manifest.spaces:
            self.matrix(space).forget()
        cache = self.folder / CACHE
        for left in cache.iterdir() if cache.is_dir() else ():  # of processes that were killed
            left.unlink(missing_ok=True)
        for space in self.manifest.spaces:
            self.store.compact(space.table)


def store_of(folder: Path, manifest: Manifest) -> Store:
    """The engine that keeps a gallery's rows."""
    if manifest.store != "lance":
        raise StorageError(f"the gallery {printable(folder)} is kept in {manifest.store!r}, not in lance")
    return LanceStore(manifest.address or str(folder / ROWS))


def each_once(rows: Rows) -> Rows:
    """The first row of each image."""
    first = {id: row for row, id in reversed(list(enumerate(rows.column("id").to_pylist())))}
    return rows.take(np.array(sorted(first.values()), np.int64))
