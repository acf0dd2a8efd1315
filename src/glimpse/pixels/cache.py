"""The pixel cache: every image is decoded and resized once, then read from a memory map."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.choices import Filter
from glimpse.errors import BrokenImageError, OptionError, ShapeError
from glimpse.files import printable
from glimpse.pixels.build import Job, bring_up_to_date
from glimpse.pixels.decode import WHITE
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.store import damaged
from glimpse.progress import Progress, terminal_bar
from glimpse.runtime import check_threads, cores


class OnBroken(StrEnum):
    """Whether a broken image stops a build or is skipped."""

    STOP = "stop"
    SKIP = "skip"


@dataclass(frozen=True)
class BuildReport:
    """What a build did, counted in different images: a path given twice counts once.

    Attributes:
        decoded: decoded by this build.
        reused: found in the cache.
        broken: path and reason of each broken image, in the given order.
    """

    decoded: int
    reused: int
    broken: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class PixelCache:
    """The prepared pixels of N paths, aligned with them; made by `PixelCache.build`.

    Attributes:
        paths: the paths, as they were given; one may occur several times.
        report: what the build did.
        usable: bool `[N]`, False where the image is broken.
    """

    paths: tuple[str, ...]
    report: BuildReport
    usable: NDArray[np.bool_]
    _slots: NDArray[np.int64]
    _pixels: NDArray[np.uint8]
    _checksums: NDArray[np.uint32]
    _checked: NDArray[np.bool_]
    _folder: Path

    @classmethod
    def build(
        cls,
        paths: Sequence[str],
        folder: str | os.PathLike[str],
        *,
        size: tuple[int, int] = (256, 128),
        filter: Filter = Filter.BICUBIC,
        white: int = WHITE,
        workers: int | None = None,
        on_broken: OnBroken = OnBroken.STOP,
        progress: Progress = terminal_bar,
    ) -> PixelCache:
        """Open the cache in `folder` and decode into it whatever it lacks.

        A build that was killed goes on where it was; of two at once the second waits, then finds the
        work done. A file whose size or modification time changed is decoded again. Each combination of
        size, filter and white level has its own sub-folder, which may be deleted at any time that
        nobody uses it.

        Args:
            paths: N image files, in any order, with or without repetitions.
            folder: where the cache lies; it is made if need be.
            size: `(height, width)` to resize to.
            filter: how to resize.
            white: see `decode`; of 16-bit images only.
            workers: how many processes decode; all cores if not given. A few images are decoded
                by the calling process.
            on_broken: whether a broken image ends the build with an error (what was decoded before
                is kept), or is skipped, reported, and not tried again until its file changes.
            progress: what shows the progress; `silent` shows nothing.

        Raises:
            BrokenImageError: naming the first broken image in the given order, for `OnBroken.STOP`.
            StorageError: if the folder cannot be written, the disk is full or the cache is damaged.
        """
        if isinstance(paths, str):
            raise OptionError(f"paths must be a sequence of paths, not the single path {paths!r}")
        check_threads("workers", workers)
        prepare = Preparation(size, Filter(filter), white)
        names = tuple(map(os.fspath, paths))
        place = Path(folder).absolute() / prepare.name
        outcome = bring_up_to_date(
            names,
            Job(
                folder=place,
                prepare=prepare,
                workers=workers or cores(),
                stop_on_broken=OnBroken(on_broken) is OnBroken.STOP,
                progress=progress,
            ),
        )
        return cls(
            paths=names,
            report=BuildReport(outcome.decoded, outcome.reused, tuple(outcome.reasons.items())),
            usable=outcome.slots >= 0,
            _slots=outcome.slots,
            _pixels=outcome.pixels,
            _checksums=outcome.checksums,
            _checked=np.zeros(len(outcome.checksums), bool),
            _folder=place,
        )

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, rows: ArrayLike) -> NDArray[np.uint8]:
        """The pixels of some rows; when an image is first read, they must be those that were written.

        Args:
            rows: `[n]` row numbers in 0..N-1, in any order and with repetitions, or a bool mask `[N]`.

        Returns:
            uint8 `[n, H, W, 3]`, a copy.

        Raises:
            BrokenImageError: if a row's image is broken.
            StorageError: if the pixels of one are not those that were written.
        """
        chosen = self._row_numbers(np.asarray(rows))
        slots = self._slots[chosen]
        if len(slots) and slots.min() < 0:
            path = self.paths[chosen[slots < 0][0]]
            raise BrokenImageError(path, dict(self.report.broken)[path])
        pixels: NDArray[np.uint8] = self._pixels[slots]
        for row in np.flatnonzero(~self._checked[slots]):
            slot = slots[row]
            # what is handed out is checked, not what lies in the file a moment before or after
            if zlib.crc32(pixels[row]) != self._checksums[slot]:
                path = printable(self.paths[chosen[row]])
                raise damaged(self._folder, f"the pixels of {path} are not those that were written")
            self._checked[slot] = True
        return pixels

    def _row_numbers(self, rows: NDArray[np.generic]) -> NDArray[np.integer]:
        if rows.dtype == np.bool_ and rows.shape == (len(self),):
            return np.flatnonzero(rows)
        if rows.size == 0 and rows.ndim == 1:
            return np.empty(0, np.int64)
        if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
            raise ShapeError(
                f"rows must be whole numbers [n] or a mask [{len(self)}], not {rows.dtype} {list(rows.shape)}"
            )
        numbers = rows.astype(np.int64)
        if numbers.min() < 0 or numbers.max() >= len(self):
            raise ShapeError(f"rows must lie within 0..{len(self) - 1}, not {numbers.min()}..{numbers.max()}")
        return numbers
