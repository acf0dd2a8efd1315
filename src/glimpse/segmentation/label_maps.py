"""Part labels from files: PNGs of label numbers beside the images, from a parser or from the world."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.datasets.counts import WORLD_CARD
from glimpse.errors import BrokenImageError, LayoutError, OptionError
from glimpse.files import printable, read_json
from glimpse.pixels.decode import decode_labels, image_shape, stamp_of
from glimpse.pixels.resize import check_size
from glimpse.segmentation.part_labels import MergeTable, merge_table
from glimpse.segmentation.parts import PathIndex, nearest

SIDECAR = "labels.json"
"""Beside label maps: `{"labels": [names in the order of their numbers], "truth": "what they rest on"}`."""
WORLD_PARTS = Path("ground_truth") / "parts"


@dataclass(frozen=True)
class LabelMaps:
    """PNGs of label numbers, one for each image; made by `label_maps` and `world_parts`.

    The map of `a/b/0001.jpg` is the one `0001.png` below the folder that agrees with it in most folder names,
    from the end. It has the image's size, or another of the same shape.

    Attributes:
        folder: of the maps.
        table: merges their labels into parts.
        truth: how they were made.
    """

    folder: Path
    table: MergeTable
    truth: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, the background first."""
        return self.table.names

    def key(self, paths: Sequence[str]) -> str:
        """See `PartSource.key`: of the merge table, and of each map's name, size and time."""
        made_of = hashlib.sha256(self.table.key().encode())
        for file in self._files(paths):
            stamp = stamp_of(self.folder / file)
            made_of.update(f"\n{file}\0{stamp.size} {stamp.mtime_ns}".encode("utf-8", "surrogateescape"))
        return made_of.hexdigest()

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """See `PartSource.parts`."""
        result = np.empty((len(paths), *check_size(size)), np.uint8)
        for row, (path, file) in enumerate(zip(paths, self._files(paths), strict=True)):
            name = self.folder / file
            labels = decode_labels(name)
            shape = image_shape(path)
            if not _same_shape(labels.shape, shape):
                raise BrokenImageError(
                    str(name),
                    f"it has {labels.shape[0]} x {labels.shape[1]} pixels (height x width), but its image "
                    f"{shape[0]} x {shape[1]}: a map of labels has the size of its image, or the same "
                    "shape in another",
                )
            result[row] = nearest(self.table.merged(labels, str(name)), size)
        return result

    def _files(self, paths: Sequence[str]) -> list[str]:
        return [self._maps[number] for number in self._index.find(paths)]

    @cached_property
    def _maps(self) -> tuple[str, ...]:
        """All PNGs below the folder, listed once."""
        if not self.folder.is_dir():
            raise LayoutError(f"there is no folder of part maps {printable(self.folder)}")
        found = [
            os.path.relpath(Path(base) / name, self.folder)
            for base, _, names in os.walk(self.folder)
            for name in names
            if name.lower().endswith(".png")
        ]
        return tuple(sorted(found))

    @cached_property
    def _index(self) -> PathIndex:
        return PathIndex(self._maps, f"the part maps (*.png) in {printable(self.folder)}")


def label_maps(
    folder: Path | str,
    labels: str | Sequence[str] | None = None,
    merge: str | Path | Mapping[str, str] | None = None,
) -> LabelMaps:
    """Part labels from a folder of PNGs whose values are label numbers.

    Args:
        folder: of the maps.
        labels: what the numbers stand for: `pascal`, `lip`, `atr`, `pose`, `world` or a list; if not given,
            `labels.json` in the folder says, and without it the numbers have no names.
        merge: see `merge_table`.
    """
    folder = Path(folder)
    truth = None
    if labels is None and (folder / SIDECAR).is_file():
        labels, truth = _sidecar(folder / SIDECAR)
    if labels is None and merge is None:
        raise OptionError(
            f"say which labels the part maps in {printable(folder)} hold: pascal, lip, atr, a merge table, "
            f"or a file {SIDECAR} beside them"
        )
    table = merge_table(labels, merge)
    source = labels if isinstance(labels, str) else "its own labels"
    parts = f", as {', '.join(table.names[1:])}"
    truth = (truth or f"label maps of {source}").removesuffix(parts)  # maps that were made say so themselves
    return LabelMaps(folder, table, truth + parts)


def world_parts(root: Path | str, merge: str | Path | Mapping[str, str] | None = None) -> LabelMaps:
    """The part maps that a rendered world brings, under the world's own names unless `merge` says otherwise.

    Args:
        root: what `glimpse world make` wrote.
        merge: see `merge_table`.
    """
    root = Path(root)
    if not (root / WORLD_CARD).is_file() or not (root / WORLD_PARTS).is_dir():
        raise LayoutError(
            f"{printable(root)} is no finished world with part maps in {WORLD_PARTS.as_posix()}"
        )
    table = merge_table("world", merge)
    return LabelMaps(root / WORLD_PARTS, table, f"the world's own part maps, as {', '.join(table.names[1:])}")


def _sidecar(path: Path) -> tuple[str | list[str], str | None]:
    """Labels and truth of a `labels.json`."""
    values = read_json(path, "list of labels")
    labels = values.get("labels") if isinstance(values, dict) else None
    truth = values.get("truth") if isinstance(values, dict) else None
    if not isinstance(labels, str | list) or not isinstance(truth, str | None):
        raise OptionError(
            f'the list of labels {printable(path)} is not {{"labels": [names by number], "truth": "text"}}'
        )
    return labels, truth


def _same_shape(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether a resize that keeps the shape gives one from the other, rounded in either direction."""
    (height, width), (tall, wide) = one, other
    return abs(height * wide / tall - width) <= 1 or abs(width * tall / wide - height) <= 1
