"""Part labels by BlazePose: a landmark model of MediaPipe's that the user names, as TFLite or as ONNX.

How the image is fed and what the outputs mean follows MediaPipe's own graph of `pose_landmark_*.tflite`; the
constants are our choice, measured on the rendered world (docs/part-maps.md).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.special import expit

from glimpse.choices import Filter
from glimpse.errors import MissingExtraError, OptionError, StorageError
from glimpse.extras import require
from glimpse.files import printable
from glimpse.pixels.decode import decode, stamp_of
from glimpse.pixels.resize import check_size, resize
from glimpse.runtime import cores
from glimpse.segmentation.capsules import GEOMETRY, VISIBLE, draw_parts
from glimpse.segmentation.keypoints import BLAZEPOSE
from glimpse.segmentation.part_labels import MergeTable, merge_table

SIDE = 256
"""Height and width of the model's input and mask."""
SHARE = 0.8
"""Of the input's side, that the longer side of the image takes: the model wants room around the person."""
FOUND = 0.3
"""The least score with which somebody is in the image at all."""
REACH = 0.05
"""How far from a capsule the mask's pixels still belong to its part, in longer sides of the image."""

_LANDMARKS, _SEEN = (39, 5), 33  # x, y, z, visibility, presence; those after the 33rd are not of the body
_VERSION = 1  # to be raised with every change of what is made of the outputs
_LARGEST = 2**28  # bytes of a model's file: the largest of the three has 28 million


class Pose(NamedTuple):
    """What the model says of its input: landmarks `[39, 5]`, a score, and the mask's logits `[256, 256]`."""

    landmarks: NDArray[np.float32]
    score: float
    mask: NDArray[np.float32]


class Frame(NamedTuple):
    """Where an image lies in the model's input, in pixels of the input."""

    top: int
    left: int
    height: int
    width: int


Network = Callable[[NDArray[np.float32]], Pose]
"""Of an input `[256, 256, 3]` within 0..1, red first."""


@dataclass(frozen=True, eq=False)
class BlazePoseParts:
    """Part maps by a model that looks at every image; made by `blazepose_parts`.

    Capsules are drawn along the landmarks, as for keypoint files. Where the model's mask sees a person and no
    capsule lies, the nearest part within `REACH` counts; where it sees none, there is background.

    Attributes:
        file: of the model.
        table: merges the labels `POSE` into parts.
        digest: of the file's content.
        network: the model.
    """

    file: Path
    table: MergeTable
    digest: str
    network: Network = field(repr=False)

    @property
    def truth(self) -> str:
        """What the labels rest on."""
        return f"the landmarks and the mask of BlazePose ({self.file.name}), as {', '.join(self.names[1:])}"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, the background first."""
        return self.table.names

    def key(self, paths: Sequence[str]) -> str:
        """See `PartSource.key`: of the model's file, of the settings, and of every image."""
        settings = [_VERSION, GEOMETRY, SHARE, FOUND, REACH, VISIBLE, self.digest, self.table.key()]
        made_of = hashlib.sha256(json.dumps(settings).encode())
        for path in paths:
            stamp = stamp_of(path)
            made_of.update(f"{stamp.size} {stamp.mtime_ns}\n".encode())
        return made_of.hexdigest()

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """See `PartSource.parts`; an image in which nobody is found is all background."""
        result = np.zeros((len(paths), *check_size(size)), np.uint8)
        for row, path in enumerate(paths):
            image = decode(path)
            pixels, frame = framed(image)
            pose = self.network(pixels)
            if pose.score >= FOUND:
                labels = labels_of(pose, frame, (image.shape[0], image.shape[1]), size)
                result[row] = self.table.merged(labels, path)
        return result


def blazepose_parts(file: Path | str, merge: str | Path | Mapping[str, str] | None = None) -> BlazePoseParts:
    """Part labels by BlazePose.

    Args:
        file: `pose_landmark_lite.tflite`, `_full` or `_heavy` (extra `pose`), or the same model as ONNX
            (extra `onnx`).
        merge: see `merge_table`; six parts as in Pascal-Person-Part if not given.
    """
    file = Path(file)
    table = merge_table("pose", merge)
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise OptionError(f"the pose model {printable(file)} cannot be read ({error.strerror})") from error
    if len(content) > _LARGEST:
        raise OptionError(f"the pose model {printable(file)} has more than the {_LARGEST:,} bytes allowed")
    return BlazePoseParts(file, table, hashlib.sha256(content).hexdigest(), _opened(file, content))


def framed(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Frame]:
    """The image in the middle of the model's input `[256, 256, 3]`, its border repeated around it.

    >>> framed(np.zeros((128, 64, 3), np.uint8))[1]
    Frame(top=25, left=77, height=205, width=102)
    """
    scale = SIDE * SHARE / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    around = ((top, SIDE - height - top), (left, SIDE - width - left), (0, 0))
    pixels = np.pad(resize(image, (height, width), Filter.BILINEAR), around, mode="edge")
    return pixels.astype(np.float32) / np.float32(255), Frame(top, left, height, width)


def labels_of(pose: Pose, frame: Frame, shape: tuple[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The labels `POSE` `[height, width]` of a person that was found.

    Args:
        pose: what the model says.
        frame: where the image lay in its input.
        shape: height and width of the image.
        size: height and width of the map.
    """
    labels = draw_parts(landmarks_in(pose, frame, shape)[list(BLAZEPOSE)], shape, size)
    if not labels.any():
        return labels
    pixel = (shape[0] / size[0], shape[1] / size[1])
    away, (rows, columns) = distance_transform_edt(labels == 0, sampling=pixel, return_indices=True)
    nearest = np.where(away <= REACH * max(shape), labels[rows, columns], 0)
    return np.where(_mask(pose, frame, size), nearest, 0).astype(np.uint8)


def landmarks_in(pose: Pose, frame: Frame, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The 33 landmarks `[33, 3]` in pixels of the image, and how surely each is seen."""
    points = pose.landmarks[:_SEEN].astype(np.float64)
    x = (points[:, 0] - frame.left) * shape[1] / frame.width
    y = (points[:, 1] - frame.top) * shape[0] / frame.height
    return np.stack([x, y, expit(points[:, 3])], axis=1)


def _mask(pose: Pose, frame: Frame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of the map are the person's."""
    rows = slice(frame.top, frame.top + frame.height)
    columns = slice(frame.left, frame.left + frame.width)
    share = Image.fromarray(np.ascontiguousarray(expit(pose.mask[rows, columns])))
    mask: NDArray[np.bool_] = np.asarray(share.resize(size[::-1], Image.Resampling.BILINEAR)) > 0.5
    return mask


def _opened(file: Path, content: bytes) -> Network:
    """The model, after it has looked at a black image; or one sentence on why it cannot."""
    tflite = content[4:8] == b"TFL3"
    try:
        network = (_tflite if tflite else _onnx)(content)
        pose = network(np.zeros((SIDE, SIDE, 3), np.float32))
    except MissingExtraError:
        raise
    except _WrongInterface as wrong:
        raise OptionError(f"{printable(file)} is no landmark model of BlazePose: {wrong}") from wrong
    except Exception as error:  # both runtimes raise whatever they stumble over
        what = "TFLite model that can be run" if tflite else "model in TFLite or ONNX that can be run"
        reason = " ".join(str(error).split())[:160]
        raise StorageError(f"the pose model {printable(file)} is no {what}: {reason}") from error
    if not (np.isfinite(pose.landmarks).all() and np.isfinite(pose.mask).all()):
        raise StorageError(f"the pose model {printable(file)} gives no finite numbers: the file is damaged")
    return network


class _WrongInterface(Exception):
    """Inputs or outputs are not those of the landmark model; says what they are."""


def _tflite(content: bytes) -> Network:
    runtime = require("ai_edge_litert.interpreter", extra="pose", purpose="running a TFLite model")
    interpreter = runtime.Interpreter(model_content=content, num_threads=cores(4))
    given, gives = interpreter.get_input_details(), interpreter.get_output_details()
    turned = _channels_first([one["shape"].tolist() for one in given])
    wanted = [gives[n]["index"] for n in _roles([one["shape"].tolist() for one in gives])]
    with _without_remarks():
        interpreter.allocate_tensors()

    def run(pixels: NDArray[np.float32]) -> Pose:
        interpreter.set_tensor(given[0]["index"], _fed(pixels, turned))
        interpreter.invoke()
        return _pose([interpreter.get_tensor(index) for index in wanted])

    return run


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Let what native code writes to stderr vanish: TFLite tells there which kernels it has chosen."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _onnx(content: bytes) -> Network:
    from glimpse.retriever.encoders.onnx import open_session

    session = open_session(content)
    given, gives = session.get_inputs(), session.get_outputs()
    turned = _channels_first([one.shape for one in given])
    wanted = [gives[n].name for n in _roles([one.shape for one in gives])]

    def run(pixels: NDArray[np.float32]) -> Pose:
        return _pose(session.run(wanted, {given[0].name: _fed(pixels, turned)}))

    return run


def _channels_first(shapes: Sequence[Sequence[Any]]) -> bool:
    """Whether the one input is `[1, 3, 256, 256]`, as some conversions to ONNX have it."""
    for first, wanted in ((False, [SIDE, SIDE, 3]), (True, [3, SIDE, SIDE])):
        if len(shapes) == 1 and list(shapes[0][1:]) == wanted and _of_one(shapes[0][0]):
            return first
    raise _WrongInterface(f"it must take [1, {SIDE}, {SIDE}, 3], it takes {_shown(shapes)}")


def _roles(shapes: Sequence[Sequence[Any]]) -> list[int]:
    """Which outputs are landmarks, score and mask: the first of 39 x 5, of one and of 256 x 256 values."""
    sizes = [
        math.prod(shape[1:])
        if len(shape) > 1 and _of_one(shape[0]) and all(isinstance(side, int) for side in shape[1:])
        else None
        for shape in shapes
    ]
    wanted = (math.prod(_LANDMARKS), 1, SIDE * SIDE)
    if not set(wanted) <= set(sizes):
        raise _WrongInterface(
            f"it must give [1, {wanted[0]}], [1, 1] and [1, {SIDE}, {SIDE}, 1], it gives {_shown(shapes)}"
        )
    return [sizes.index(size) for size in wanted]


def _of_one(batch: Any) -> bool:
    """Whether a batch may have one image: it has, or its size is left open."""
    return not isinstance(batch, int) or batch in (1, -1)


def _shown(shapes: Sequence[Sequence[Any]]) -> str:
    return ", ".join(f"[{', '.join(map(str, shape))}]" for shape in shapes) or "nothing"


def _fed(pixels: NDArray[np.float32], channels_first: bool) -> NDArray[np.float32]:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if channels_first else pixels)[None]


def _pose(values: Sequence[Any]) -> Pose:
    landmarks, score, mask = (np.array(value, np.float32) for value in values)
    return Pose(landmarks.reshape(_LANDMARKS), float(score.item()), mask.reshape(SIDE, SIDE))
