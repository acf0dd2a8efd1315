"""`PartSource`, the interface of part labels, and the part maps of training rows.

A part map is uint8 `[H, W]`: 0 is background, every other value the number of a part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import LayoutError, OptionError, ShapeError, StorageError
from glimpse.files import atomic_write, printable
from glimpse.pixels.resize import check_size
from glimpse.progress import Progress
from glimpse.records import Records

PART = "parts"
"""The map of the training data that says which part of the person is where."""

_AT_ONCE = 256  # maps in memory while they are written


class PartSource(Protocol):
    """Gives the part maps of training images."""

    @property
    def truth(self) -> str:
        """How the labels were made, in words; written into the record of what is trained with them."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts by number; the first is the background. `left_X` and `right_X` are two sides."""
        ...

    def key(self, paths: Sequence[str]) -> str:
        """A short name of all that decides the maps of these images: settings, and versions of files."""
        ...

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """The part maps of N image files, `[N, height, width]`.

        Args:
            paths: of the images, as `Records.path` has them.
            size: height and width of the maps; labels of another size are resized by `nearest`.
        """
        ...


def nearest(labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A map `[H, W]` in another size: each pixel takes the label in which its center lies.

    Source row of row i: `floor((i + 1/2) H / height)`; a center on a border counts to what follows it.

    >>> nearest(np.array([[1, 2, 3, 4]], np.uint8), (1, 2)).tolist()
    [[2, 4]]
    """
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


class PathIndex:
    """Finds the entry of an image by its path, whatever the ending and wherever the folders lie.

    Of the entries with the image's stem the one whose path agrees with the image's in most folders, from
    the end, is its own.

    Args:
        names: paths of the entries.
        where: what errors call the whole.
    """

    def __init__(self, names: Iterable[str], where: str) -> None:
        self.where = where
        self._names = tuple(names)
        self._by_stem: dict[str, list[int]] = {}
        self._split = [_split(name) for name in self._names]
        for number, split in enumerate(self._split):
            self._by_stem.setdefault(split[0], []).append(number)

    def find(self, paths: Sequence[str]) -> list[int]:
        """The number of each image's entry.

        Raises:
            LayoutError: for an image without one or with several, and for an entry of two images.
        """
        found: dict[str, int] = {}
        owner: dict[int, str] = {}
        for path in dict.fromkeys(paths):
            number = found[path] = self._one(path)
            if owner.setdefault(number, path) != path:
                raise LayoutError(
                    f"{self.where}: {printable(self._names[number])} would be of two images, "
                    f"{printable(owner[number])} and {printable(path)}"
                )
        return [found[path] for path in paths]

    def _one(self, path: str) -> int:
        wanted = _split(path)
        agreeing = [(_agreement(self._split[n], wanted), n) for n in self._by_stem.get(wanted[0], ())]
        if not agreeing:
            raise LayoutError(f"{self.where}: there is nothing for the image {printable(path)}")
        most, number = max(agreeing, key=lambda pair: pair[0])
        rivals = [self._names[n] for agreed, n in agreeing if agreed == most]
        if len(rivals) > 1:
            raise LayoutError(
                f"{self.where}: {printable(rivals[0])} and {printable(rivals[1])} could both be of the image "
                f"{printable(path)}"
            )
        return number


def _split(path: str) -> tuple[str, ...]:
    """The stem, then the folders from the innermost out."""
    *folders, last = path.replace("\\", "/").split("/")
    stem, dot, ending = last.rpartition(".")
    return (stem if dot and f".{ending.lower()}" in _IMAGES else last, *reversed(folders))


def _agreement(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    agreed = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        agreed += 1
    return agreed


def part_source(recipe: Any, given: PartSource | None) -> PartSource | None:
    """The part source of a training run; None if the recipe's `needs_parts` is false."""
    if not getattr(recipe, "needs_parts", False):
        if given is not None:
            how = ": set teacher=maps" if hasattr(recipe, "teacher") else ""
            raise OptionError(f"part maps are given to a recipe that learns from none{how}")
        return None
    if given is None:
        raise OptionError(
            "the recipe learns from part maps: give label maps, keypoints or a world's own parts (--parts)"
        )
    return given


def part_maps(
    source: PartSource | None, rows: Records, folder: Path, size: tuple[int, int], progress: Progress
) -> Mapping[str, NDArray[np.uint8]]:
    """The part map `[N, height, width]` of every row under the name `PART`; nothing without a source.

    The maps are made once per image and kept in `folder`, and read from there as needed.

    Args:
        source: gives the maps.
        rows: to train on; rows of one image, as captions are, share its map.
        folder: the cache of prepared pixels.
        size: height and width of the images that are trained on.
        progress: shows progress.
    """
    if source is None:
        return {}
    if not len(rows):
        return {PART: np.zeros((0, *size), np.uint8)}
    paths = list(dict.fromkeys(rows.path.tolist()))
    kept = _kept_maps(source, paths, folder / PART, check_size(size), progress)
    if len(paths) == len(rows):
        return {PART: kept}
    place = {path: number for number, path in enumerate(paths)}
    return {PART: kept[[place[path] for path in rows.path.tolist()]]}


def _kept_maps(
    source: PartSource, paths: list[str], folder: Path, size: tuple[int, int], progress: Progress
) -> NDArray[np.uint8]:
    made_of = json.dumps({"parts": 1, "source": source.key(paths), "size": size, "paths": paths})
    path = folder / f"{hashlib.sha256(made_of.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.npy"
    shape = (len(paths), *size)
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file, progress("part maps", len(paths)) as advance:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(paths), _AT_ONCE):
                some = paths[start : start + _AT_ONCE]
                file.write(_labels_within(source.parts(some, size), (len(some), *size), source.names))
                advance(len(some))
    try:
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
        if maps.shape != shape or maps.dtype != np.uint8:
            raise ValueError
    except (ValueError, EOFError, OSError) as error:
        raise StorageError(f"the part maps {printable(path)} cannot be read; delete them") from error
    return cast(NDArray[np.uint8], maps)


def _labels_within(maps: NDArray[np.uint8], shape: tuple[int, ...], names: Sequence[str]) -> bytes:
    """The bytes of a source's maps, which may be anybody's."""
    if maps.shape != shape or maps.dtype != np.uint8:
        raise ShapeError(f"part maps must be uint8 {list(shape)}, got {maps.dtype} {list(maps.shape)}")
    if maps.size and maps.max() >= len(names):
        raise ShapeError(f"part maps of {len(names)} parts must hold 0 to {len(names) - 1}, got {maps.max()}")
    return maps.tobytes()
