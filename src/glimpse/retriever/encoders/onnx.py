"""Anybody's re-identification model in ONNX as an encoder, with its preprocessing stated (extra `onnx`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.choices import ChannelOrder, Filter
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.extras import require
from glimpse.files import atomic_write, printable
from glimpse.models.card import Three
from glimpse.pixels.preparation import Preparation
from glimpse.records import Capture, IntArray
from glimpse.retriever.encoders.base import Pixels, check_pixels, no_text_side

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODEL, MASKS = "model.onnx", "masks"
CAMERAS, MODALITIES = "cameras", "modalities"


@dataclass(frozen=True)
class Preprocessing:
    """How images are made into a model's input: (pixel / 255 - mean) / deviation, NCHW float32.

    Attributes:
        size: height and width.
        mean: of each channel, in the model's order of channels.
        std: likewise; 1/255 with mean 0 feeds the bytes as they are.
        interpolation: how images are resized.
        channels: their order.
    """

    size: tuple[int, int]
    mean: Three = IMAGENET_MEAN
    std: Three = IMAGENET_STD
    interpolation: Filter = Filter.BILINEAR
    channels: ChannelOrder = ChannelOrder.RGB

    def __post_init__(self) -> None:
        if not min(self.std) > 0:
            raise OptionError(f"the deviation of the normalization must be above 0, got {self.std}")


@dataclass(frozen=True, eq=False)
class OnnxEncoder:
    """A model whose first input is `[N, 3, H, W]` and whose first output is `[N, D]`.

    An output `masks` `[N, D]`, as Glimpse exports it for networks that have masks, is taken for them, and
    inputs `cameras` and `modalities`, int64 `[N]`, are told what the images were taken with (`Capture`).

    Attributes:
        model: the file's bytes.
        preprocessing: how it wants to be fed.
    """

    model: bytes = field(repr=False)
    preprocessing: Preprocessing
    _session: Any = field(init=False, repr=False)
    _dim: int = field(init=False, repr=False)

    kind = "onnx"
    concurrent = False  # the runtime has threads of its own

    def __post_init__(self) -> None:
        object.__setattr__(self, "_session", open_session(self.model))
        shape = self._session.get_inputs()[0].shape
        wanted = [3, *self.preprocessing.size]
        named = shape[1:] if len(shape) == 4 else shape
        if len(shape) != 4 or any(isinstance(a, int) and a != b for a, b in zip(named, wanted, strict=True)):
            raise OptionError(f"the model must take [N, {', '.join(map(str, wanted))}], it takes {shape}")
        black = np.zeros((1, *self.preprocessing.size, 3), np.uint8)
        object.__setattr__(self, "_dim", self._run(black, Capture.unknown(1)).dim)

    @classmethod
    def open(cls, path: str | Path, preprocessing: Preprocessing) -> OnnxEncoder:
        """A model's file."""
        try:
            return cls(Path(path).read_bytes(), preprocessing)
        except FileNotFoundError:
            raise StorageError(f"there is no model at {printable(path)}") from None

    @property
    def metadata(self) -> dict[str, str]:
        """Texts that the model's file holds besides."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def preparation(self) -> Preparation:
        """As stated."""
        return Preparation(self.preprocessing.size, self.preprocessing.interpolation)

    @property
    def dim(self) -> int:
        """As the model's first output has it."""
        return self._dim

    def embed(self, pixels: Pixels, capture: Capture) -> Embeddings:
        """See `Encoder.embed`."""
        check_pixels(pixels, self.preprocessing.size)
        return self._run(pixels, capture)

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `Encoder.embed_texts`."""
        raise no_text_side("an ONNX model")

    def write(self, folder: Path) -> dict[str, Any]:
        """The model as it is, and its feeding."""
        with atomic_write(folder / MODEL) as file:
            file.write(self.model)
        preprocessing = self.preprocessing
        return {
            "size": list(preprocessing.size),
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "interpolation": preprocessing.interpolation.value,
            "channels": preprocessing.channels.value,
        }

    @classmethod
    def read(cls, folder: Path, values: Mapping[str, Any]) -> OnnxEncoder:
        """What `write` wrote."""
        names = {"size", "mean", "std", "interpolation", "channels"}
        if set(values) != names:
            wrong = min(set(values) ^ names)
            raise OptionError(f"a card says of an ONNX model {', '.join(sorted(names))}; wrong: {wrong!r}")
        try:
            height, width = (int(side) for side in values["size"])
            preprocessing = Preprocessing(
                size=(height, width),
                mean=_three(values["mean"]),
                std=_three(values["std"]),
                interpolation=Filter(values["interpolation"]),
                channels=ChannelOrder(values["channels"]),
            )
        except (TypeError, ValueError) as wrong_value:
            raise OptionError(
                f"what its card says of the model is impossible: {wrong_value}"
            ) from wrong_value
        return cls.open(folder / MODEL, preprocessing)

    def _run(self, pixels: Pixels, capture: Capture) -> Embeddings:
        given = self._session.get_inputs()[0]
        first, *others = (output.name for output in self._session.get_outputs())
        wanted = [first, *(name for name in others if name == MASKS)]
        images = fed(pixels, self.preprocessing)
        told = told_inputs(self._session, capture)
        # a model of fixed batch gets full batches, the last one filled up with black images of nothing known
        batch = given.shape[0] if isinstance(given.shape[0], int) else len(images)
        parts: list[list[NDArray[np.float32]]] = [[] for _ in wanted]
        for start in range(0, len(images), max(1, batch)):
            part = images[start : start + batch]
            missing = batch - len(part)
            filled = {given.name: np.pad(part, [(0, missing), (0, 0), (0, 0), (0, 0)])}
            for name, numbers in told.items():
                filled[name] = np.pad(numbers[start : start + batch], (0, missing), constant_values=-1)
            for name, kept, values in zip(wanted, parts, self._session.run(wanted, filled), strict=True):
                output = np.asarray(values, np.float32)
                if output.ndim < 2 or len(output) != batch or output[0].size != output.shape[1]:
                    raise OptionError(f"the model's output {name} must be [N, D], it is {list(output.shape)}")
                kept.append(output.reshape(batch, -1)[: len(part)])
        vectors, *masks = (np.concatenate(kept) for kept in parts)
        return Embeddings(vectors, masks[0] if masks else None)


def told_inputs(session: Any, capture: Capture) -> dict[str, IntArray]:
    """What a model takes besides images, by the names of its inputs: nothing, or what is known of them."""
    # inputs with a default are listed apart
    given = (*session.get_inputs()[1:], *session.get_overridable_initializers())
    numbers = {CAMERAS: capture.cameras, MODALITIES: capture.modalities}
    return {one.name: numbers[one.name] for one in given if one.name in numbers}


def input_size(model: bytes) -> tuple[int, int] | None:
    """Height and width that a model is made for; None if it takes any."""
    shape = open_session(model).get_inputs()[0].shape
    height, width = shape[2:] if len(shape) == 4 else (None, None)
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _three(values: Any) -> Three:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def fed(pixels: Pixels, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """uint8 `[B, H, W, 3]` as the model's input `[B, 3, H, W]`."""
    if preprocessing.channels is ChannelOrder.BGR:
        pixels = pixels[..., ::-1]
    mean, std = (np.array(v, np.float32) * np.float32(255) for v in (preprocessing.mean, preprocessing.std))
    values = (pixels.astype(np.float32) - mean) / std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def open_session(model: bytes) -> Any:
    """An ONNX Runtime session on the CPU."""
    runtime = require("onnxruntime", extra="onnx", purpose="running an ONNX model")
    options = runtime.SessionOptions()
    # waiting threads sleep: they would take the cores from the threads that decode
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors: it warns of inputs that have a default
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own classes, straight from Exception
        reason = " ".join(str(error).split())[:160]
        raise StorageError(f"this is not an ONNX model that can be run: {reason}") from error
