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
from glimpse.models.card import Three, check_normalization
from glimpse.pixels.preparation import Preparation
from glimpse.records import Capture, IntArray
from glimpse.retriever.encoders.base import Pixels, check_pixels, no_text_side
from glimpse.retriever.encoders.onnx_file import read_model, require_alone, require_bounded
from glimpse.serial import WrongKeysError, WrongValueError, from_plain

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODEL, MASKS = "model.onnx", "masks"
CAMERAS, MODALITIES = "cameras", "modalities"


# our choice: such an input is 200 MB of float32, and a batch of it the memory of a large machine
_LARGEST_SIDE, _MOST_BATCH = 4096, 1024
_INPUTS: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
_OUTPUTS = ("tensor(float)", "tensor(float16)", "tensor(double)")
# (pixel / 255 - 0) / (1 / 255): bytes as they are
BYTES_MEAN, BYTES_STD = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)


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
        if not all(1 <= side <= _LARGEST_SIDE for side in self.size):
            raise OptionError(
                f"the sides of a model's input are 1 to {_LARGEST_SIDE} pixels, got {self.size}"
            )
        check_normalization(self.mean, self.std)

    @property
    def as_bytes(self) -> bool:
        """Whether the bytes of an image are fed as they are."""
        return self.mean == BYTES_MEAN and bool(np.allclose(self.std, BYTES_STD))


@dataclass(frozen=True, eq=False)
class OnnxEncoder:
    """A model whose first input is `[N, 3, H, W]` or `[N, H, W, 3]` and whose first output is `[N, D]`.

    An output `masks` `[N, D]`, as Glimpse exports it for networks that have masks, is taken for them, and
    inputs `cameras` and `modalities`, int64 `[N]`, are told what the images were taken with (`Capture`).
    Images may be float32, float16, or bytes, which are fed as they are.

    Attributes:
        model: the file's bytes; no other file belongs to it (`read_model`).
        preprocessing: how it wants to be fed.
    """

    model: bytes = field(repr=False)
    preprocessing: Preprocessing
    _session: Any = field(init=False, repr=False)
    _given: _Given = field(init=False, repr=False)
    _dim: int = field(init=False, repr=False)

    kind = "onnx"
    concurrent = False  # the runtime has threads of its own

    def __post_init__(self) -> None:
        require_alone(self.model)
        object.__setattr__(self, "_session", open_session(self.model))
        given = _given(self._session)
        object.__setattr__(self, "_given", given)
        size = self.preprocessing.size
        wanted = (*size, 3) if given.channels_last else (3, *size)
        if any(isinstance(a, int) and a != b for a, b in zip(given.shape[1:], wanted, strict=True)):
            raise OptionError(
                f"the model must take [N, {', '.join(map(str, wanted))}], it takes {list(given.shape)}"
            )
        if given.dtype == np.uint8 and not self.preprocessing.as_bytes:
            raise OptionError("the model takes bytes as they are: its mean is 0 and its deviation 1/255")
        black = np.zeros((1, *size, 3), np.uint8)
        object.__setattr__(self, "_dim", self._run(black, Capture.unknown(1)).dim)

    @classmethod
    def open(cls, path: str | Path, preprocessing: Preprocessing) -> OnnxEncoder:
        """A model's file, with the weights that lie beside it."""
        return cls(read_model(path), preprocessing)

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
        try:
            preprocessing = from_plain(Preprocessing, values, complete=True)
        except (WrongKeysError, WrongValueError) as wrong:
            raise OptionError(f"what its card says of the model is impossible: {wrong}") from wrong
        return cls.open(folder / MODEL, preprocessing)

    def _run(self, pixels: Pixels, capture: Capture) -> Embeddings:
        first, *others = (output.name for output in self._session.get_outputs())
        wanted = [first, *(name for name in others if name == MASKS)]
        images = fed(pixels, self.preprocessing, self._given.dtype, channels_last=self._given.channels_last)
        told = told_inputs(self._session, capture)
        # a model of fixed batch gets full batches, the last one filled up with black images of nothing known
        batch = self._given.batch or len(images)
        parts: list[list[NDArray[np.float32]]] = [[] for _ in wanted]
        for start in range(0, len(images), max(1, batch)):
            part = images[start : start + batch]
            missing = batch - len(part)
            filled = {self._given.name: np.pad(part, [(0, missing), (0, 0), (0, 0), (0, 0)])}
            for name, numbers in told.items():
                filled[name] = np.pad(numbers[start : start + batch], (0, missing), constant_values=-1)
            for name, kept, values in zip(
                wanted, parts, _outputs(self._session, wanted, filled), strict=True
            ):
                output = np.asarray(values, np.float32)
                if output.ndim < 2 or len(output) != batch or output[0].size != output.shape[1]:
                    raise OptionError(f"the model's output {name} must be [N, D], it is {list(output.shape)}")
                kept.append(output.reshape(batch, -1)[: len(part)])
        vectors, *masks = (np.concatenate(kept) for kept in parts)
        return Embeddings(vectors, masks[0] if masks else None)


@dataclass(frozen=True)
class _Given:
    """A model's first input.

    Attributes:
        name: of the input.
        shape: four sides, numbers or names of what is free.
        dtype: of its values.
        channels_last: whether it is [N, H, W, 3].
    """

    name: str
    shape: tuple[Any, ...]
    dtype: type[np.generic]
    channels_last: bool

    @property
    def batch(self) -> int | None:
        """How many images it takes at once; None if that is free."""
        return self.shape[0] if isinstance(self.shape[0], int) else None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width; None if they are free."""
        height, width = self.shape[1:3] if self.channels_last else self.shape[2:]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _given(session: Any) -> _Given:
    """The first input of a model that embeds images; what does not is refused."""
    if not session.get_inputs():
        raise OptionError("the model takes no input: images [N, 3, H, W] are expected")
    first, *others = session.get_inputs()
    shape = tuple(first.shape)
    if first.type not in _INPUTS or len(shape) != 4:
        raise OptionError(
            f"the model must take images, float or uint8 [N, 3, H, W], its input {first.name} is "
            f"{first.type} {list(shape)}"
        )
    # [N, H, W, 3] only where it cannot be [N, 3, H, W]
    channels_last = shape[3] == 3 and shape[1] != 3
    batch = shape[0]
    if isinstance(batch, int) and not 1 <= batch <= _MOST_BATCH:
        raise OptionError(f"the model takes {batch} images at once: 1 to {_MOST_BATCH} are expected")
    for other in others:
        if other.name not in (CAMERAS, MODALITIES) or other.type != "tensor(int64)" or len(other.shape) != 1:
            raise OptionError(
                f"the model asks for {other.name}, {other.type} {list(other.shape)}, besides images: only "
                f"{CAMERAS} and {MODALITIES}, int64 [N], can be told"
            )
    outputs = session.get_outputs()
    for output in (*outputs[:1], *(output for output in outputs[1:] if output.name == MASKS)):
        if output.type not in _OUTPUTS:
            raise OptionError(f"the model's output {output.name} must be float [N, D], it is {output.type}")
    return _Given(first.name, shape, _INPUTS[first.type], channels_last)


def _outputs(session: Any, wanted: list[str], given: dict[str, Any]) -> list[Any]:
    try:
        return list(session.run(wanted, given))
    except Exception as error:  # as in `open_session`
        raise StorageError(f"the ONNX model fails on images: {_in_short(error)}") from error


def told_inputs(session: Any, capture: Capture) -> dict[str, IntArray]:
    """What a model takes besides images, by the names of its inputs: nothing, or what is known of them."""
    # inputs with a default are listed apart
    given = (*session.get_inputs()[1:], *session.get_overridable_initializers())
    numbers = {CAMERAS: capture.cameras, MODALITIES: capture.modalities}
    return {one.name: numbers[one.name] for one in given if one.name in numbers}


@dataclass(frozen=True)
class ModelInput:
    """What can be told of a model's input from the file alone.

    Attributes:
        size: height and width that it is made for; None if it takes any.
        bytes: whether it takes bytes, and normalizes them itself.
        metadata: texts that the file holds besides.
    """

    size: tuple[int, int] | None
    bytes: bool
    metadata: Mapping[str, str]


def model_input(model: bytes) -> ModelInput:
    """What a model is made to be fed with."""
    require_alone(model)
    session = open_session(model)
    given = _given(session)
    return ModelInput(given.size, given.dtype == np.uint8, session.get_modelmeta().custom_metadata_map)


def fed(
    pixels: Pixels,
    preprocessing: Preprocessing,
    dtype: type[np.generic] = np.float32,
    *,
    channels_last: bool = False,
) -> NDArray[Any]:
    """uint8 `[B, H, W, 3]` as the model's input, `[B, 3, H, W]` or as it is."""
    if preprocessing.channels is ChannelOrder.BGR:
        pixels = pixels[..., ::-1]
    if dtype == np.uint8:
        values: NDArray[Any] = pixels
    else:
        mean, std = (
            np.array(v, np.float32) * np.float32(255) for v in (preprocessing.mean, preprocessing.std)
        )
        values = ((pixels.astype(np.float32) - mean) / std).astype(dtype, copy=False)
    return np.ascontiguousarray(values if channels_last else values.transpose(0, 3, 1, 2))


def open_session(model: bytes) -> Any:
    """An ONNX Runtime session on the CPU; a model with a loop that may never end is refused."""
    require_bounded(model)
    runtime = require("onnxruntime", extra="onnx", purpose="running an ONNX model")
    options = runtime.SessionOptions()
    # waiting threads sleep: they would take the cores from the threads that decode
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 4  # what goes wrong is raised; it warns of inputs that have a default
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own classes, straight from Exception
        raise StorageError(f"this is not an ONNX model that can be run: {_in_short(error)}") from error


def _in_short(error: Exception) -> str:
    return printable(" ".join(str(error).split())[:160])
