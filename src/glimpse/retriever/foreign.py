"""`of_onnx`: anybody's ONNX model as a retriever, fed as its file says or as one is told."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from glimpse.choices import ChannelOrder, Filter
from glimpse.errors import OptionError
from glimpse.files import fingerprint, printable
from glimpse.models.card import Three
from glimpse.retriever.codec import comparison_from_texts
from glimpse.retriever.encoders.onnx import (
    BYTES_MEAN,
    BYTES_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    OnnxEncoder,
    Preprocessing,
    model_input,
)
from glimpse.retriever.encoders.onnx_file import read_model
from glimpse.retriever.export.feeding import feeding_from_texts
from glimpse.retriever.retriever import Retriever
from glimpse.similarity import Cosine


class Imported(NamedTuple):
    """A model as a retriever, and what its file said of itself.

    Attributes:
        retriever: of the model.
        normalized: whether the file says how its input is normalized.
        compared: whether it says how its vectors are compared.
    """

    retriever: Retriever
    normalized: bool
    compared: bool


def of_onnx(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    mean: Three | None = None,
    std: Three | None = None,
    interpolation: Filter | None = None,
    channels: ChannelOrder | None = None,
) -> Imported:
    """The model in a file, and the weights beside it, as a retriever.

    What is not given is taken from what Glimpse wrote into the file when it exported it; else the size is
    the model's own, the normalization ImageNet's, images are RGB and resized bilinear. A model that takes
    bytes normalizes them itself.

    Raises:
        OptionError: if the model takes images of any size and none is given, or does not fit.
    """
    model = read_model(path)
    made_for = model_input(model)
    stated = feeding_from_texts(made_for.metadata)
    comparison = comparison_from_texts(made_for.metadata)
    if made_for.bytes and (mean, std) != (None, None):
        raise OptionError(
            f"{printable(Path(path).name)} takes bytes and normalizes them itself: leave --mean and --std out"
        )
    size = size or made_for.size or (stated.size if stated else None)
    if size is None:
        raise OptionError(
            f"{printable(Path(path).name)} takes images of any size: say with --image HxW which it is fed"
        )
    usual = stated or Preprocessing(
        size,
        BYTES_MEAN if made_for.bytes else IMAGENET_MEAN,
        BYTES_STD if made_for.bytes else IMAGENET_STD,
    )
    preprocessing = Preprocessing(
        size=size,
        mean=mean or usual.mean,
        std=std or usual.std,
        interpolation=interpolation or usual.interpolation,
        channels=channels or usual.channels,
    )
    about = {
        "what": f"the ONNX model {printable(Path(path).name)}, sha256 {fingerprint(Path(path))}",
        "fed": in_words(preprocessing, as_bytes=made_for.bytes),
    }
    similarity, reranker = comparison or (Cosine(), None)
    retriever = Retriever(OnnxEncoder(model, preprocessing), similarity, reranker, about=about)
    return Imported(retriever, stated is not None or made_for.bytes, comparison is not None)


def in_words(preprocessing: Preprocessing, *, as_bytes: bool = False) -> str:
    """What a model is fed, as a sentence says it."""
    height, width = preprocessing.size
    resized = f"{preprocessing.channels.upper()}, resized {preprocessing.interpolation}"
    if as_bytes:
        return f"uint8 of {height} x {width} pixels, {resized}, bytes as they are: it normalizes them itself"
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (preprocessing.mean, preprocessing.std))
    return (
        f"float32 [N, 3, {height}, {width}], {resized}, "
        f"(pixel / 255 - mean) / deviation with mean {mean} and deviation {std}"
    )
