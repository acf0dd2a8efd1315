"""Rendered rows that are kept on the disk: an epoch after the first, or another run, need not render them."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_path, atomic_write, printable, reserve, storage_error
from glimpse.pretraining.world_rows import WorldRows
from glimpse.records import IntArray

_WIDTH = 400  # bytes of a caption, the longest having 200 letters; our choice
_RENDERING = 1  # to be raised when the same site gives other images
_DESCRIPTION, _PIXELS, _CAPTIONS, _CHECKS = "site.json", "pixels.npy", "captions.npy", "checks.npy"


@dataclass(frozen=True, eq=False)
class CachedRows:
    """The rows of a world as `PixelSource`, rendered when they are read for the first time.

    A row counts as kept only if the check sum written after it is that of its pixels and caption, so a
    killed process or a power cut leaves nothing that is read half-written. Several runs may share a folder.

    Attributes:
        rows: what is rendered.
        pixels: uint8 `[N, H, W, 3]`, a file.
        captions: uint8 `[N, B]`, UTF-8 filled up with zeros, a file; None if nobody asks for captions.
        checks: uint32 `[N]`, a file; 0 where nothing is kept.
    """

    rows: WorldRows
    pixels: NDArray[np.uint8]
    captions: NDArray[np.uint8] | None
    checks: NDArray[np.uint32]
    _verified: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_verified", np.zeros(len(self.rows), bool))

    @classmethod
    def open(cls, folder: Path, rows: WorldRows) -> CachedRows:
        """Open or make the folder.

        Raises:
            OptionError: if it keeps another world's rows.
        """
        described = {
            "rendering": _RENDERING,
            "site": asdict(rows.site),
            "rows": [rows.first, rows.count],
            "size": list(rows.size),
            "captions": rows.captions is not None,
        }
        count = len(rows)
        description = folder / _DESCRIPTION
        if not description.exists():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise storage_error(folder, error) from error
            _make(folder / _PIXELS, (count, *rows.size, 3), np.uint8)
            if rows.captions is not None:
                _make(folder / _CAPTIONS, (count, _WIDTH), np.uint8)
            _make(folder / _CHECKS, (count,), np.uint32)
            with atomic_write(description) as file:
                file.write(json.dumps(described).encode())
        try:
            found = json.loads(description.read_bytes())
        except (OSError, ValueError) as error:
            raise StorageError(f"{printable(description)} cannot be read: {error}") from error
        if found != described:
            raise OptionError(f"{printable(folder)} keeps the images of another world; give another folder")
        captions = _opened(folder / _CAPTIONS) if rows.captions is not None else None
        return cls(rows, _opened(folder / _PIXELS), captions, _opened(folder / _CHECKS))

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """See `PixelSource`; captions are noted as `WorldRows.read` does."""
        missing = np.unique(rows[~self._verified[rows]])
        missing = missing[[self.checks[row] != self._check(row) for row in missing.tolist()]]
        if len(missing):
            self._render(missing)
        self._verified[rows] = True
        columns = self.rows.captions
        if self.captions is not None and columns is not None:
            columns.write(rows, [bytes(self.captions[row]).rstrip(b"\0").decode() for row in rows.tolist()])
        return self.pixels[rows]

    def _render(self, rows: IntArray) -> None:
        frames = self.rows.render(rows)
        self.pixels[rows] = frames.images
        if self.captions is not None:
            for row, sentence in zip(rows.tolist(), self.rows.sentences(rows, frames), strict=True):
                self.captions[row] = np.frombuffer(sentence.encode().ljust(_WIDTH, b"\0"), np.uint8)
        for row in rows.tolist():
            self.checks[row] = self._check(row)

    def _check(self, row: int) -> int:
        check = zlib.crc32(self.pixels[row].tobytes())
        if self.captions is not None:
            check = zlib.crc32(self.captions[row].tobytes(), check)
        return max(1, check)


def _make(path: Path, shape: tuple[int, ...], kind: type[np.generic]) -> None:
    """A file of zeros whose room on the disk is taken now: a write into mapped memory cannot fail well."""
    with atomic_path(path) as temporary:
        np.lib.format.open_memmap(temporary, mode="w+", dtype=kind, shape=shape).flush()
        with temporary.open("r+b") as file:
            reserve(file.fileno(), path.parent, 0, temporary.stat().st_size)


def _opened(path: Path) -> NDArray[Any]:
    try:
        return np.lib.format.open_memmap(path, mode="r+")
    except (OSError, ValueError) as error:
        raise StorageError(f"{printable(path)} cannot be read: {error}") from error
