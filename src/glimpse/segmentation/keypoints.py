"""Part labels from keypoint files: COCO's 17 keypoints or BlazePose's 33 landmarks, in JSON or `.npz`."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import LayoutError, OptionError
from glimpse.files import printable
from glimpse.pixels.decode import image_shape, stamp_of
from glimpse.pixels.resize import check_size
from glimpse.segmentation.capsules import COCO, GEOMETRY, JOINTS, VISIBLE, draw_parts
from glimpse.segmentation.part_labels import MergeTable, merge_table
from glimpse.segmentation.parts import PathIndex

BLAZEPOSE = (0, 2, 5, 7, 8, *range(11, 17), *range(23, 33))
"""By joint: its place among BlazePose's 33 landmarks."""
COUNTS = {len(COCO), 33}

_LARGEST = 2**30  # bytes of a keypoint file: half a million persons of COCO's need a tenth of it
_FAR = 1e6  # pixels; what lies farther out is no coordinate


class Found(NamedTuple):
    """One person's keypoints in an image, as a file has them: `[K, 3]`, `[0, 3]` for nobody.

    `score` tells persons of one image apart; `shape` is the image's height and width, if the file knows.
    """

    name: str
    points: NDArray[np.float64]
    score: float | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class KeypointParts:
    """Part maps drawn from keypoints; made by `keypoint_parts`.

    Attributes:
        file: of the keypoints.
        table: merges the labels `POSE` into parts.
        people: of each image the person who is drawn.
        digest: of the file's content.
        visible: the least score of a keypoint that is seen.
        fractions: whether coordinates are shares of width and height rather than pixels.
    """

    file: Path
    table: MergeTable
    people: tuple[Found, ...]
    digest: str
    visible: float = VISIBLE
    fractions: bool = False

    @property
    def truth(self) -> str:
        """How the labels were made."""
        return f"capsules along the keypoints of a pose network, as {', '.join(self.names[1:])}"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, the background first."""
        return self.table.names

    def key(self, paths: Sequence[str]) -> str:
        """See `PartSource.key`: of the file's content, of the settings, and of images whose size is asked."""
        settings = [GEOMETRY, self.digest, self.table.key(), self.visible, self.fractions]
        made_of = hashlib.sha256(json.dumps(settings).encode())
        for path, number in zip(paths, self._index.find(paths), strict=True):
            if self.people[number].shape is None:
                stamp = stamp_of(path)
                made_of.update(f"{stamp.size} {stamp.mtime_ns}\n".encode())
        return made_of.hexdigest()

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """See `PartSource.parts`; an image in which nobody was found is all background."""
        result = np.zeros((len(paths), *check_size(size)), np.uint8)
        for row, (path, number) in enumerate(zip(paths, self._index.find(paths), strict=True)):
            person = self.people[number]
            if not len(person.points):
                continue
            height, width = person.shape or image_shape(path)
            joints = _joints(person.points)
            if self.fractions:
                joints[:, :2] *= (width, height)
            drawn = draw_parts(joints, (height, width), (size[0], size[1]), self.visible)
            result[row] = self.table.merged(drawn, str(self.file))
        return result

    @cached_property
    def _index(self) -> PathIndex:
        return PathIndex([p.name for p in self.people], f"the keypoints in {printable(self.file)}")


def keypoint_parts(
    file: Path | str,
    merge: str | Path | Mapping[str, str] | None = None,
    *,
    visible: float = VISIBLE,
    fractions: bool = False,
) -> KeypointParts:
    """Part labels from a file of COCO's 17 keypoints or BlazePose's 33 landmarks.

    Of several persons in an image the one that scores highest is drawn. A third number of 0, 1 and 2
    throughout is COCO's visibility, of which 2 is seen.

    Args:
        file: JSON in COCO's form (`annotations` and `images`, or a list of results), JSON
            `{path: [[x, y, score], ...]}`, or `.npz` with `paths` `[N]` and `keypoints` `[N, K, 3]`.
        merge: see `merge_table`; six parts as in Pascal-Person-Part if not given.
        visible: the least score of a keypoint that is seen.
        fractions: coordinates are shares of width and height, as MediaPipe gives them.
    """
    file = Path(file)
    if not 0 < visible <= 1:
        raise OptionError(
            f"the least score of a visible keypoint must lie in 0..1 and above 0, got {visible}"
        )
    content = _content(file)
    people = _read_npz(file, content) if content.startswith(b"PK") else _read_json(file, content)
    checked = _checked(file, _one_each(people), visible)
    _check_unit(file, checked, fractions)
    digest = hashlib.sha256(content).hexdigest()
    return KeypointParts(file, merge_table("pose", merge), checked, digest, visible, fractions)


def _joints(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """`[21, 3]` of `[17, 3]` or `[33, 3]`."""
    if len(points) == len(COCO):
        return np.concatenate([points, np.zeros((len(JOINTS) - len(COCO), 3))])
    chosen: NDArray[np.float64] = points[list(BLAZEPOSE)]
    return chosen


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise OptionError(f"the keypoints {printable(file)} cannot be read ({error.strerror})") from error
    if len(content) > _LARGEST:
        raise OptionError(f"the keypoints {printable(file)} have more than the {_LARGEST:,} bytes allowed")
    return content


def _read_npz(file: Path, content: bytes) -> list[Found]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST:
            raise OptionError(
                f"the keypoints {printable(file)} unpack to {size:,} bytes, {_LARGEST:,} are allowed"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            paths, keypoints = arrays["paths"], arrays["keypoints"]
        if not isinstance(paths, np.ndarray) or not isinstance(keypoints, np.ndarray):
            raise ValueError  # numpy gives what is no array as bytes
    except OptionError:
        raise
    except KeyError as error:
        raise OptionError(f"the keypoints {printable(file)} lack the array 'paths' or 'keypoints'") from error
    except Exception as error:  # zipfile and numpy raise whatever their parsing stumbles over
        raise OptionError(
            f"the keypoints {printable(file)} are no .npz of arrays: the file is damaged"
        ) from error
    fits = paths.ndim == 1 and paths.dtype.kind == "U" and keypoints.dtype.kind in "fiu"
    if not fits or keypoints.ndim != 3 or len(keypoints) != len(paths) or keypoints.shape[2] != 3:
        raise OptionError(
            f"the keypoints {printable(file)} must hold paths [N] (text) and keypoints [N, K, 3], got "
            f"{paths.dtype} {list(paths.shape)} and {keypoints.dtype} {list(keypoints.shape)}"
        )
    return [
        Found(str(path), points)
        for path, points in zip(paths.tolist(), keypoints.astype(np.float64), strict=True)
    ]


def _read_json(file: Path, content: bytes) -> list[Found]:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"the keypoints {printable(file)} are neither JSON nor .npz") from error
    if isinstance(values, list):
        return [_annotated(file, values[n], n, {}) for n in range(len(values))]
    if isinstance(values, dict) and isinstance(values.get("annotations"), list):
        images = _images(file, values.get("images", []))
        found = [_annotated(file, one, n, images) for n, one in enumerate(values["annotations"])]
        nobody = np.zeros((0, 3))
        return found + [Found(name, nobody, None, shape) for name, shape in images.values()]
    if isinstance(values, dict) and values:
        return [Found(name, _points(file, name, points)) for name, points in values.items()]
    raise OptionError(
        f"the keypoints {printable(file)} are neither COCO's annotations nor {{path: [[x, y, score], ...]}}"
    )


Images = Mapping[Any, tuple[str, tuple[int, int] | None]]


def _images(file: Path, values: Any) -> Images:
    """COCO's `images` by their ids: name, and height and width if told."""
    found: dict[Any, tuple[str, tuple[int, int] | None]] = {}
    for number, one in enumerate(values if isinstance(values, list) else [None]):
        if not isinstance(one, dict) or not isinstance(one.get("file_name"), str):
            raise OptionError(f"the keypoints {printable(file)}: entry {number} of images has no file_name")
        height, width = one.get("height"), one.get("width")
        shape = None
        if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
            shape = (height, width)
        key = one.get("id", one["file_name"])
        if not isinstance(key, int | str):
            raise OptionError(f"the keypoints {printable(file)}: entry {number} of images has no usable id")
        found[key] = (one["file_name"], shape)
    return found


def _annotated(file: Path, one: Any, number: int, images: Images) -> Found:
    """The person of an entry of COCO's annotations or results."""
    where = f"the keypoints {printable(file)}: entry {number}"
    if not isinstance(one, dict) or "keypoints" not in one:
        raise OptionError(f"{where} has no keypoints")
    named = next((one[key] for key in ("image_id", "file_name", "image") if key in one), None)
    name, shape = images.get(named, (named, None)) if isinstance(named, int | str) else (None, None)
    if not isinstance(name, str):
        raise OptionError(f"{where} names no image: image_id must be one of images, or a file's name")
    score = one.get("score")
    if not isinstance(score, int | float | None):
        raise OptionError(f"{where} has a score that is no number")
    return Found(name, _points(file, name, one["keypoints"]), score, shape)


def _points(file: Path, name: str, values: Any) -> NDArray[np.float64]:
    """`[K, 3]`, given so or flat."""
    try:
        points = np.array(values, np.float64).reshape(-1, 3)
    except (ValueError, TypeError, OverflowError) as error:
        raise OptionError(
            f"the keypoints {printable(file)}: those of {printable(name)} are not [x, y, score] each"
        ) from error
    return points


def _one_each(people: Iterable[Found]) -> list[Found]:
    """Of each image the person that scores highest, by the file's own score or the keypoints' mean."""

    def rank(person: Found) -> tuple[bool, float]:
        score = person.score
        if score is None and len(person.points):
            score = float(person.points[:, 2].mean())
        return len(person.points) > 0, score or 0.0

    best: dict[str, Found] = {}
    for person in people:
        before = best.get(person.name)
        if before is None or rank(person) > rank(before):
            best[person.name] = person
    return list(best.values())


def _checked(file: Path, people: Sequence[Found], visible: float) -> tuple[Found, ...]:
    """The persons, their scores in 0..1 and the coordinates of what is not seen 0."""
    counts = {len(person.points) for person in people} - {0}
    if len(counts) > 1 or not counts <= COUNTS:
        raise OptionError(
            f"the keypoints {printable(file)} must have 17 (COCO) or 33 (BlazePose) a person, "
            f"got {', '.join(map(str, sorted(counts)))}"
        )
    scores = np.concatenate([np.zeros(0), *(person.points[:, 2] for person in people)])
    flags = bool(np.isin(scores, (0, 1, 2)).all()) and 2 in scores
    checked = []
    for person in people:
        points = person.points.copy()
        points[:, 2] = points[:, 2] == 2 if flags else points[:, 2]
        if not ((points[:, 2] >= 0) & (points[:, 2] <= 1)).all():
            raise OptionError(
                f"the keypoints {printable(file)}: scores of {printable(person.name)} do not lie in 0..1"
            )
        points[points[:, 2] < visible] = 0
        if not (np.abs(points) <= _FAR).all():  # which NaN is not either
            raise OptionError(
                f"the keypoints {printable(file)}: coordinates of {printable(person.name)} are not "
                "finite, or lie far outside any image"
            )
        checked.append(person._replace(points=points))
    return tuple(checked)


def _check_unit(file: Path, people: Sequence[Found], fractions: bool) -> None:
    """Refuse fractions that are called pixels, and pixels that are called fractions."""
    seen = np.concatenate([np.zeros((0, 3)), *(person.points for person in people)])
    seen = seen[seen[:, 2] > 0]
    if not len(seen):
        return
    small = float(np.median(np.abs(seen[:, :2]))) <= 1.5
    if small and not fractions:
        raise LayoutError(
            f"the keypoints {printable(file)} look like shares of width and height, not pixels: say "
            "fractions=True"
        )
    if fractions and not small:
        raise LayoutError(f"the keypoints {printable(file)} look like pixels: they are no fractions")
