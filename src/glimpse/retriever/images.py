"""Whatever images are given as: one by one, prepared, by several threads at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.datasets.reading import image_names
from glimpse.errors import BrokenImageError, LayoutError, OptionError, RecordsError, ShapeError
from glimpse.files import printable
from glimpse.pixels import decode, resize
from glimpse.pixels.preparation import Preparation
from glimpse.progress import Progress, silent
from glimpse.records import IR, NO_MODALITY, RGB, TEXT, Capture, Records
from glimpse.runtime import check_threads

Pixels = NDArray[np.uint8]
Source = str | Path | Records | Pixels | Sequence[str | Path] | Sequence[Pixels]


class Images(Protocol):
    """N images and what they were taken with."""

    @property
    def capture(self) -> Capture:
        """N cameras and modalities."""
        ...

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """The pixels `[H, W, 3]` of one image."""
        ...


@dataclass(frozen=True, eq=False)
class Files:
    """Images in files."""

    paths: Sequence[str]
    capture: Capture

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """Decode and resize."""
        return preparation(self.paths[row])


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images in memory: one array `[N, H, W, 3]` or several `[H, W, 3]`."""

    images: Pixels | Sequence[Pixels]
    capture: Capture

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """Resize, unless the size is right."""
        image = self.images[row]
        if image.shape == preparation.shape and image.dtype == np.uint8:
            return image
        return resize(image, preparation.size, preparation.filter)


def images_of(
    source: Source, cameras: ArrayLike | None = None, modalities: ArrayLike | None = None
) -> Images:
    """The images that a source stands for.

    Args:
        source: uint8 `[N, H, W, 3]`; a list of uint8 `[H, W, 3]` of any sizes; a list of files; one file;
            a folder, searched to its depth; or records of images.
        cameras: `[N]` or one number; records bring their own.
        modalities: likewise, as `Capture.given` takes them.
    """
    if isinstance(source, Records):
        if np.any(source.modality == TEXT):
            raise RecordsError("these records hold captions: embed them as text")
        return Files(source.path.tolist(), Capture.of(source))
    if isinstance(source, str | Path):
        paths = files_of(source)
        return Files(paths, Capture.given(len(paths), cameras, modalities))
    capture = Capture.given(len(source), cameras, modalities)
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or source.shape[3] != 3 or source.dtype != np.uint8:
            raise ShapeError(f"expected uint8 images [N, H, W, 3], got {source.dtype} {list(source.shape)}")
        return Arrays(source, capture)
    if all(isinstance(item, str | Path) for item in source):
        return Files([os.fspath(item) for item in source if isinstance(item, str | Path)], capture)
    arrays = [item for item in source if isinstance(item, np.ndarray)]
    if len(arrays) != len(source):
        raise OptionError("a list of images holds arrays or paths, and not both")
    return Arrays(arrays, capture)


def files_of(path: str | Path) -> list[str]:
    """The images in a folder and its sub-folders, sorted; or the one file."""
    folder = Path(path)
    if not folder.is_dir():
        return [os.fspath(path)]
    names = image_names(folder, deep=True)
    if not names:
        raise LayoutError(f"there are no images in {printable(folder)}")
    return [os.fspath(folder / name) for name in names]


def guess_modalities(
    paths: Sequence[str | Path], *, workers: int = 1, progress: Progress = silent
) -> list[str]:
    """Guess from pixels what light images were taken in, where nothing else tells.

    An image whose three channels are equal everywhere is taken for infrared, which is wrong for a visible
    image without colors; any other for visible. Of one that cannot be decoded nothing is known.

    Args:
        paths: N files.
        workers: threads that decode.
        progress: what shows the progress.

    Returns:
        N modalities, as `Retriever.embed` takes them.
    """
    check_threads("workers", workers)

    def guess(path: str | Path) -> str:
        try:
            image = decode(path)
        except BrokenImageError:
            return NO_MODALITY
        return IR if bool(np.all(image == image[..., :1])) else RGB

    found: list[str] = []
    with progress("guessing modalities", len(paths)) as advance, ThreadPoolExecutor(workers) as pool:
        for modality in pool.map(guess, paths):
            found.append(modality)
            advance(1)
    return found
