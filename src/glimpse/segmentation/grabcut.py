"""Foreground masks by GrabCut, texture and what images of one person have in common.

See dpmpp.md, "Person masks".
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import ShapeError, StorageError
from glimpse.files import atomic_write, printable
from glimpse.progress import Progress, terminal_bar
from glimpse.runtime import check_threads, cores
from glimpse.segmentation.base import MAYBE, SURE, GrabCutSettings, Pixels, opencv, seed_mask
from glimpse.segmentation.salient import consistent, coverage, descriptors, texture, tidied, trusted


def cut(image: NDArray[np.uint8], iterations: int) -> NDArray[np.bool_]:
    """The person's pixels `[H, W]` of an image uint8 `[H, W, 3]`, red first.

    OpenCV's random numbers belong to the calling thread and are seeded here: the same image gives the
    same cut in any thread, as long as OpenCV starts no threads of its own.
    """
    cv2 = opencv()
    mask = seed_mask(*image.shape[:2])
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    pixels = np.ascontiguousarray(image[:, :, ::-1])
    cv2.grabCut(pixels, mask, None, back, front, iterations, cv2.GC_INIT_WITH_MASK)
    kept: NDArray[np.bool_] = (mask == SURE) | (mask == MAYBE)
    return kept


def cut_path(folder: Path, image: NDArray[np.uint8], settings: GrabCutSettings) -> Path:
    """The file that caches the cut of an image."""
    content = _content(image)
    return folder / settings.key() / content[:2] / f"{content[2:]}.npy"


def masks_path(folder: Path, pixels: Pixels, persons: NDArray[np.int64], settings: GrabCutSettings) -> Path:
    """The file that caches the masks of N images of `persons` `[N]`, in this order."""
    made_of = hashlib.sha256(json.dumps({"masks": 1, **asdict(settings)}, sort_keys=True).encode())
    for start in range(0, len(pixels), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(pixels)))
        for image, person in zip(pixels.read(rows), persons[rows].tolist(), strict=True):
            made_of.update(f"{_content(image)} {person}".encode())
    return folder / "whole" / f"{made_of.hexdigest()}.npy"


def cached_masks(path: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
    """The masks `[N, H, W]` of a file that `keep_masks` wrote; None if there is none."""
    return _unpacked(path, shape) if path.is_file() else None


def keep_masks(path: Path, masks: NDArray[np.bool_]) -> None:
    """Write masks, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        np.save(file, np.packbits(masks.reshape(len(masks), -1), axis=1), allow_pickle=False)


def cached_cut(folder: Path, image: NDArray[np.uint8], settings: GrabCutSettings) -> NDArray[np.bool_]:
    """The cut of an image, from disk or computed and kept: after a kill only missing ones are computed."""
    path = cut_path(folder, image, settings)
    height, width = image.shape[:2]
    if path.is_file():
        kept: NDArray[np.bool_] = _unpacked(path, (1, height, width))[0]
        return kept
    mask = cut(image, settings.iterations)
    keep_masks(path, mask[None])
    return mask


def _unpacked(path: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    try:
        packed = np.load(path, allow_pickle=False)
        count, height, width = shape
        bits = np.unpackbits(packed.reshape(count, -1), axis=1, count=height * width)
        masks: NDArray[np.bool_] = bits.reshape(shape).view(bool)
        return masks
    except (ValueError, EOFError, OSError, TypeError) as error:
        raise StorageError(
            f"the mask {printable(path)} cannot be read; delete it to make it again"
        ) from error


def _content(image: NDArray[np.uint8]) -> str:
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


_AT_ONCE = 32  # images per look at the clock


class Seen(NamedTuple):
    """Cuts and cell descriptors of N images, or of one without the first axis.

    Attributes:
        cuts: bool `[N, H, W]`.
        looks: float32 `[N, cells, K]`.
        edges: float64 `[N, cells]`.
        covered: float64 `[N, cells]`; the share of each cell that is cut out as person.
    """

    cuts: NDArray[np.bool_]
    looks: NDArray[np.float32]
    edges: NDArray[np.float64]
    covered: NDArray[np.float64]


def _nothing(sentence: str) -> None:
    pass


@dataclass(frozen=True)
class GrabCutMasks:
    """Person masks by GrabCut; needs person labels, no network.

    An image whose mask is not trusted gets an empty one: it is neither donor nor target of patch transfer.
    (The design falls back to the body prior there; an empty mask needs no flag beside it.)

    Attributes:
        folder: caches the cuts and the masks.
        settings: how persons are cut out.
        workers: threads; all cores if not given. OpenCV works outside Python's lock.
        progress: shows progress.
        say: called once with an estimate of the remaining time.
    """

    folder: Path
    settings: GrabCutSettings = field(default_factory=GrabCutSettings)
    workers: int | None = None
    progress: Progress = terminal_bar
    say: Callable[[str], None] = _nothing

    def __post_init__(self) -> None:
        check_threads("workers", self.workers)

    @property
    def truth(self) -> str:
        """How the masks are made."""
        return "GrabCut, texture, and likeness to other images of the person"

    @property
    def size(self) -> tuple[int, int]:
        """Of the images that are cut."""
        return self.settings.size

    def masks(self, pixels: Pixels, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `MaskSource.masks`; the same on any number of workers."""
        count = len(pixels)
        if persons.shape != (count,):
            raise ShapeError(f"expected persons [{count}], got {list(persons.shape)}")
        height, width = pixels.read(np.empty(0, np.int64)).shape[1:3]
        if not count:
            return np.zeros((0, height, width), bool)
        path = masks_path(self.folder, pixels, persons, self.settings)
        found = cached_masks(path, (count, height, width))
        if found is None:
            found = self._made(pixels, persons)
            keep_masks(path, found)
        return found

    def _made(self, pixels: Pixels, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        cuts, looks, edges, share = self._seen(pixels)
        covered = share >= self.settings.coverage
        scale = max(float(np.percentile(edges, 80)), 1e-6)
        salient = covered & (np.clip(edges / scale, 0, 1) >= self.settings.texture)
        for person in np.unique(persons):
            rows = np.flatnonzero(persons == person)
            salient[rows] &= consistent(looks[rows], covered[rows], self.settings)
        for row, cells in enumerate(salient):  # in place: the cuts of a data set fill a good part of memory
            cuts[row] = self._mask(cuts[row], cells.reshape(self.settings.grid))
        return cuts

    def _mask(self, cut: NDArray[np.bool_], salient: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The cut within its salient cells; cells that only filled a hole count whole."""
        cells = tidied(salient)
        if not trusted(cells, self.settings):
            return np.zeros_like(cut)
        tall, wide = cut.shape[0] // cells.shape[0], cut.shape[1] // cells.shape[1]
        block = np.ones((tall, wide), bool)
        result: NDArray[np.bool_] = np.kron(cells & salient, block) & cut | np.kron(cells & ~salient, block)
        return result

    def _seen(self, pixels: Pixels) -> Seen:
        """The cut and the cell descriptors of one image."""
        grid, begun, count = self.settings.grid, time.monotonic(), len(pixels)

        def look(image: NDArray[np.uint8]) -> Seen:
            found = cached_cut(self.folder, image, self.settings)
            return Seen(found, descriptors(image, grid), texture(image, grid), coverage(found, grid))

        seen: Seen | None = None
        workers = self.workers or cores()
        with _one_thread(), ThreadPoolExecutor(workers) as pool, self.progress("masks", count) as advance:
            for start in range(0, count, _AT_ONCE):
                some = pixels.read(np.arange(start, min(start + _AT_ONCE, count)))
                for row, one in enumerate(pool.map(look, some), start):
                    if seen is None:
                        seen = Seen(*(np.empty((count, *values.shape), values.dtype) for values in one))
                    seen.cuts[row], seen.looks[row], seen.edges[row], seen.covered[row] = one
                advance(len(some))
                if start == 0 and count > len(some):
                    rest = (time.monotonic() - begun) / len(some) * (count - len(some))
                    self.say(f"masks of {count} images: about {rest / 60:.1f} minutes left")
        assert seen is not None  # there is one image at least
        return seen


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV without threads of its own: their random numbers would not be ours to seed."""
    cv2 = opencv()
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
