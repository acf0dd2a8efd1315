"""Part sources by a word and a place, as commands take them, and the part maps that they write for later."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.errors import LayoutError, OptionError, StorageError
from glimpse.files import atomic_write, begin_folder, printable
from glimpse.pixels.decode import image_shape
from glimpse.pixels.resize import check_size
from glimpse.progress import Progress
from glimpse.segmentation.blazepose import blazepose_parts
from glimpse.segmentation.keypoints import keypoint_parts
from glimpse.segmentation.label_maps import SIDECAR, label_maps, world_parts
from glimpse.segmentation.parts import PartSource

_MADE = "parts.json"
"""Beside part maps that were made: by what, so that another source does not go on with them."""
_MOST_STRIPES = 64

Merge = str | Path | Mapping[str, str] | None


@dataclass(frozen=True)
class StripeParts:
    """Bands of equal height, the first at the top, without a look at the image.

    >>> StripeParts(2).parts(["a.jpg"], (4, 1)).ravel().tolist()
    [1, 1, 2, 2]
    """

    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_STRIPES:
            raise OptionError(f"there are 1 to {_MOST_STRIPES} stripes, got {self.count}")

    @property
    def truth(self) -> str:
        """How the labels were made."""
        return f"{self.count} stripes of equal height, without a look at the image"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, the background first."""
        return ("background", *(f"stripe_{number}" for number in range(1, self.count + 1)))

    def key(self, paths: Sequence[str]) -> str:
        """See `PartSource.key`."""
        return f"stripes {self.count}"

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """See `PartSource.parts`."""
        height, width = check_size(size)
        bands = (np.arange(height) * self.count // height + 1).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(bands[None, :, None], (len(paths), height, width)))


def _stripes(place: str, merge: Merge) -> PartSource:
    if merge is not None:
        raise OptionError("stripes have no labels to merge")
    if not (place.isascii() and place.isdigit()):
        raise OptionError(f"say how many stripes, as stripes:6, got {place!r}")
    return StripeParts(int(place[:9]))


def _labels(kind: str | None) -> Callable[[str, Merge], PartSource]:
    return lambda place, merge: label_maps(place, kind, merge)


SOURCES: Mapping[str, tuple[str, Callable[[str, Merge], PartSource]]] = {
    "stripes": ("NUMBER", _stripes),
    "labels": ("DIR", _labels(None)),
    "pascal": ("DIR", _labels("pascal")),
    "lip": ("DIR", _labels("lip")),
    "atr": ("DIR", _labels("atr")),
    "pose": ("FILE", lambda place, merge: keypoint_parts(place, merge)),
    "blazepose": ("FILE", lambda place, merge: blazepose_parts(place, merge)),
    "world": ("DIR", lambda place, merge: world_parts(place, merge)),
}
"""By word: what stands behind the colon, and what makes the source."""


def named_parts(text: str, merge: Merge = None) -> PartSource:
    """The source that `WORD:PLACE` names.

    Args:
        text: `stripes:6`, `labels:DIR` (PNGs beside their `labels.json`), `pascal:DIR`, `lip:DIR`, `atr:DIR`
            (PNGs of a human parser), `pose:FILE` (keypoints), `blazepose:FILE` (a pose network that looks at
            the images) or `world:DIR` (a rendered world).
        merge: see `glimpse.segmentation.merge_table`.

    >>> named_parts("stripes:3").names
    ('background', 'stripe_1', 'stripe_2', 'stripe_3')
    """
    word, colon, place = text.partition(":")
    if not colon or not place or word not in SOURCES:
        offered = ", ".join(f"{name}:{what}" for name, (what, _) in SOURCES.items())
        raise OptionError(f"part labels are named as {offered}, got {text!r}")
    return SOURCES[word][1](place, merge)


class Written(NamedTuple):
    """How many maps were made, as they were missing, and how many of those are all background."""

    made: int
    empty: int


def write_part_maps(
    source: PartSource,
    named: str,
    paths: Sequence[str],
    names: Sequence[str],
    out: Path,
    progress: Progress,
) -> Written:
    """Write the part map of each image into a folder that `label_maps` reads.

    Maps that are there already are not made again, so that the same call goes on with a killed one.

    Args:
        source: gives the maps.
        named: what it was named as.
        paths: of the images.
        names: of the maps below `out`, as `a/b/0001.png`.
        out: new, empty, or what the same source left.
        progress: shows progress.

    Raises:
        LayoutError: if two images would have one map, or another source's maps are there.
    """
    owner: dict[str, str] = {}
    for path, name in zip(paths, names, strict=True):
        if owner.setdefault(name, path) != path:
            raise LayoutError(
                f"{printable(owner[name])} and {printable(path)} would have one part map {printable(name)}"
            )
    _begin(source, named, out)
    missing = [n for n, name in enumerate(names) if not (out / name).is_file()]
    empty = 0
    with progress("part maps", len(missing)) as advance:
        for number in missing:
            (labels,) = source.parts([paths[number]], image_shape(paths[number]))
            empty += not labels.any()
            target = out / names[number]
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(target) as file:
                file.write(_png(labels))
            advance(1)
    return Written(len(missing), empty)


def _begin(source: PartSource, named: str, out: Path) -> None:
    """Make the folder, or check that it holds what this source left there."""
    begin_folder(out, "part maps", resume=True)
    made_by = {"source": named, "names": list(source.names), "truth": source.truth}
    made_by["settings"] = source.key([])
    if (out / _MADE).is_file():
        try:
            before = json.loads((out / _MADE).read_bytes())
        except ValueError as error:
            raise StorageError(f"{printable(out / _MADE)} is damaged: choose another folder") from error
        if before != made_by:
            raise LayoutError(
                f"{printable(out)} has part maps of another source or other settings: choose another folder"
            )
        return
    for name, values in (
        (SIDECAR, {"labels": list(source.names), "truth": source.truth}),
        (_MADE, made_by),  # last: with it the folder is whole
    ):
        with atomic_write(out / name) as file:
            file.write((json.dumps(values, indent=1) + "\n").encode())


COLORS = (
    (0, 0, 0),
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0)),
    *((204, 121, 167), (140, 86, 75), (127, 127, 127), (148, 103, 189), (23, 190, 207), (188, 189, 34)),
)
"""Of parts, for looking at them: colors that color-blind people tell apart, then further ones."""


def part_color(part: int) -> tuple[int, int, int]:
    """The color of a part; from the 13th on they come again."""
    return COLORS[0] if part == 0 else COLORS[1 + (part - 1) % (len(COLORS) - 1)]


def _png(labels: NDArray[np.uint8]) -> bytes:
    image = Image.frombytes("P", labels.shape[::-1], np.ascontiguousarray(labels).tobytes())
    image.putpalette([value for part in range(256) for value in part_color(part)])
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
