"""Whatever images are given as: one by one, prepared, by several threads at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.datasets.reading import image_names
from glimpse.errors import LayoutError, OptionError, RecordsError, ShapeError
from glimpse.files import printable
from glimpse.pixels import resize
from glimpse.pixels.preparation import Preparation
from glimpse.records import NO_CAMERA, TEXT, IntArray, Records

Pixels = NDArray[np.uint8]
Source = str | Path | Records | Pixels | Sequence[str | Path] | Sequence[Pixels]


class Images(Protocol):
    """N images and their cameras."""

    @property
    def cameras(self) -> IntArray:
        """[N] camera numbers, `NO_CAMERA` where unknown."""
        ...

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """The pixels `[H, W, 3]` of one image."""
        ...


@dataclass(frozen=True, eq=False)
class Files:
    """Images in files."""

    paths: Sequence[str]
    cameras: IntArray

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """Decode and resize."""
        return preparation(self.paths[row])


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images in memory: one array `[N, H, W, 3]` or several `[H, W, 3]`."""

    images: Pixels | Sequence[Pixels]
    cameras: IntArray

    def prepared(self, row: int, preparation: Preparation) -> Pixels:
        """Resize, unless the size is right."""
        image = self.images[row]
        if image.shape == preparation.shape and image.dtype == np.uint8:
            return image
        return resize(image, preparation.size, preparation.filter)


def images_of(source: Source, cameras: ArrayLike | None = None) -> Images:
    """The images that a source stands for.

    Args:
        source: uint8 `[N, H, W, 3]`; a list of uint8 `[H, W, 3]` of any sizes; a list of files; one file;
            a folder, searched to its depth; or records of images.
        cameras: `[N]` or one number; records bring their own.
    """
    if isinstance(source, Records):
        if np.any(source.modality == TEXT):
            raise RecordsError("these records hold captions: embed them as text")
        return Files(source.path.tolist(), source.camera)
    if isinstance(source, str | Path):
        paths = files_of(source)
        return Files(paths, _cameras(cameras, len(paths)))
    numbers = _cameras(cameras, len(source))
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or source.shape[3] != 3 or source.dtype != np.uint8:
            raise ShapeError(f"expected uint8 images [N, H, W, 3], got {source.dtype} {list(source.shape)}")
        return Arrays(source, numbers)
    if all(isinstance(item, str | Path) for item in source):
        return Files([os.fspath(item) for item in source if isinstance(item, str | Path)], numbers)
    arrays = [item for item in source if isinstance(item, np.ndarray)]
    if len(arrays) != len(source):
        raise OptionError("a list of images holds arrays or paths, and not both")
    return Arrays(arrays, numbers)


def files_of(path: str | Path) -> list[str]:
    """The images in a folder and its sub-folders, sorted; or the one file."""
    folder = Path(path)
    if not folder.is_dir():
        return [os.fspath(path)]
    names = image_names(folder, deep=True)
    if not names:
        raise LayoutError(f"there are no images in {printable(folder)}")
    return [os.fspath(folder / name) for name in names]


def _cameras(given: ArrayLike | None, count: int) -> IntArray:
    numbers = np.asarray(NO_CAMERA if given is None else given)
    if numbers.ndim == 0:
        numbers = np.full(count, numbers)
    if numbers.shape != (count,) or not np.issubdtype(numbers.dtype, np.integer):
        raise ShapeError(f"cameras must be integers [{count}], got {numbers.dtype} {list(numbers.shape)}")
    return numbers.astype(np.int64)
