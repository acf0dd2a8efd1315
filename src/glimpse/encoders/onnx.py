"""Any third party's model as an ONNX file, with its preprocessing stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError, WeightsError
from glimpse.extras import require
from glimpse.files import printable
from glimpse.pixels.resize import Filter, check_size

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]
Three = tuple[float, float, float]

IMAGENET_MEAN: Three = (0.485, 0.456, 0.406)
IMAGENET_STD: Three = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """What a model expects of its pixels: it cannot be told from an ONNX file, so it must be said.

    Attributes:
        size: `(height, width)`.
        mean: subtracted from each channel, on the scale from 0 to 1, in the order red, green, blue.
        std: divided by after that.
        filter: how images are resized.
        bgr: whether the model takes blue first, as models trained with OpenCV do.
    """

    size: tuple[int, int] = (256, 128)
    mean: Three = IMAGENET_MEAN
    std: Three = IMAGENET_STD
    filter: Filter = Filter.BILINEAR
    bgr: bool = False

    def __post_init__(self) -> None:
        check_size(self.size)
        numbers = [*self.mean, *self.std]
        if (
            len(self.mean) != 3
            or len(self.std) != 3
            or not all(map(math.isfinite, numbers))
            or min(self.std) <= 0
        ):
            raise OptionError(
                f"mean and std need three numbers each, std above zero, got {self.mean} and {self.std}"
            )

    def __call__(self, pixels: Pixels) -> Vectors:
        """Normalise pixels of the right size, uint8 `[B, H, W, 3]` to float32 `[B, 3, H, W]`.

        >>> Preprocessing((1, 1), mean=(0, 0, 0), std=(1, 1, 1))(np.full((1, 1, 1, 3), 255, np.uint8)).ravel()
        array([1., 1., 1.], dtype=float32)
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (*self.size, 3):
            height, width = self.size
            raise ShapeError(
                f"pixels must be uint8 [B, {height}, {width}, 3], got {pixels.dtype} {list(pixels.shape)}"
            )
        mean, std = (np.asarray(values, np.float32) for values in (self.mean, self.std))
        values = (pixels.astype(np.float32) / np.float32(255) - mean) / std
        ordered = values[..., ::-1] if self.bgr else values
        return np.ascontiguousarray(ordered.transpose(0, 3, 1, 2))

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for a card."""
        return {
            "size": list(self.size),
            "mean": list(self.mean),
            "std": list(self.std),
            "filter": self.filter.value,
            "bgr": self.bgr,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocessing:
        """Back from `to_json`."""
        height, width = values["size"]
        return cls(
            (height, width),
            tuple(values["mean"]),
            tuple(values["std"]),
            Filter(values["filter"]),
            values["bgr"],
        )


class Node(Protocol):
    """An input or output of a session: its name, and its shape with names or None for free sizes."""

    name: str
    shape: Sequence[int | str | None]


class Session(Protocol):
    """The part of ONNX Runtime's session that is used."""

    def get_inputs(self) -> Sequence[Node]:
        """The inputs."""

    def get_outputs(self) -> Sequence[Node]:
        """The outputs."""

    def run(self, names: list[str], feeds: dict[str, Vectors]) -> list[Any]:
        """Compute the named outputs."""


class OnnxEncoder:
    """A model from pixels to vectors, run by ONNX Runtime.

    Args:
        session: the loaded model.
        preprocessing: what it expects of its pixels.
        output: the output that is the embedding, by name; the first by default.
    """

    def __init__(self, session: Session, preprocessing: Preprocessing, *, output: str | None = None) -> None:
        inputs, outputs = session.get_inputs(), [node.name for node in session.get_outputs()]
        if len(inputs) != 1:
            raise WeightsError(f"the model must have one input, it has {len(inputs)}")
        shape = list(inputs[0].shape)
        wanted = [None, 3, *preprocessing.size]
        if len(shape) != 4 or any(
            isinstance(have, int) and want is not None and have != want
            for have, want in zip(shape, wanted, strict=True)
        ):
            height, width = preprocessing.size
            raise WeightsError(f"the model takes {shape}, the preprocessing gives [B, 3, {height}, {width}]")
        if output is not None and output not in outputs:
            raise OptionError(f"the model has no output {output!r}; there are {', '.join(outputs)}")
        self.session = session
        self.preprocessing = preprocessing
        self.input = inputs[0].name
        self.output = outputs[0] if output is None else output
        self.fixed_batch = shape[0] if isinstance(shape[0], int) else None

    def embed(self, pixels: Pixels, *, batch: int = 64) -> Vectors:
        """Embed pixels, uint8 `[N, H, W, 3]` to float32 `[N, D]`, `batch` at a time.

        A model that was exported for a fixed batch gets batches of that size, the last one filled up.
        """
        if not len(pixels):
            raise ShapeError("there are no images to embed")
        size = self.fixed_batch or batch
        parts = [self._run(pixels[start : start + size]) for start in range(0, len(pixels), size)]
        return np.concatenate(parts)

    def _run(self, pixels: Pixels) -> Vectors:
        rows = len(pixels)
        images = self.preprocessing(pixels)
        if self.fixed_batch is not None and rows < self.fixed_batch:
            images = np.concatenate([images, np.repeat(images[-1:], self.fixed_batch - rows, axis=0)])
        (result,) = self.session.run([self.output], {self.input: images})
        result = np.asarray(result)
        if result.ndim < 2 or len(result) != len(images) or result.size != len(images) * result.shape[1]:
            raise WeightsError(
                f"the output {self.output!r} must be [{len(images)}, D], got {list(result.shape)}"
            )
        return result.reshape(len(images), -1)[:rows].astype(np.float32)


def open_onnx(path: str | Path, preprocessing: Preprocessing, *, output: str | None = None) -> OnnxEncoder:
    """Load an ONNX file on the CPU (extra `onnx`)."""
    runtime = require("onnxruntime", extra="onnx", purpose="running an ONNX model")
    if not Path(path).is_file():
        raise WeightsError(f"there is no ONNX model at {printable(path)}")
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no base class but this one
        raise WeightsError(f"{printable(path)} is no ONNX model that can be run") from error
    return OnnxEncoder(session, preprocessing, output=output)
