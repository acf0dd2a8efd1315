"""`export_onnx`: from a retriever to a file that any ONNX runtime runs, whole or quantized."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.errors import OptionError
from glimpse.extras import require
from glimpse.files import atomic_write
from glimpse.models.factory import TextNetwork
from glimpse.records import Capture
from glimpse.retriever.encoders.base import Encoder
from glimpse.retriever.encoders.network import NetworkEncoder
from glimpse.retriever.encoders.onnx import (
    BYTES_MEAN,
    BYTES_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    MASKS,
    Preprocessing,
    open_session,
)
from glimpse.retriever.export.feeding import feeding_to_texts
from glimpse.retriever.export.graph import (
    PURPOSE,
    Normalization,
    graph_with_preprocessing,
    plain_graph,
    told_to,
)
from glimpse.retriever.export.parity import TOLERANCE, Parity, cosines, parity, run, trial_images

_PRODUCTS = {"MatMul", "Gemm"}


def quantized(model: Any) -> Any:
    """The model with int8 weights, and activations quantized as they come (dynamically).

    Matrix products, with a scale per channel; their share in a transformer is nearly all, and its patch
    embedding in eight bits would cost accuracy. A network without any, as a residual one, has its
    convolutions quantized, with unsigned weights and one scale, which is what the runtime can do.
    """
    onnx = require("onnx", extra="onnx", purpose=PURPOSE)
    quantization = require("onnxruntime.quantization", extra="onnx", purpose=PURPOSE)
    chatty = logging.getLogger()
    level = chatty.level
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        products = _PRODUCTS & {node.op_type for node in model.graph.node}
        unsigned, signed = quantization.QuantType.QUInt8, quantization.QuantType.QInt8
        chatty.setLevel(logging.ERROR)  # it advises a step that changes nothing here
        try:
            quantization.quantize_dynamic(
                source,
                target,
                op_types_to_quantize=sorted(products) or ["Conv"],
                per_channel=bool(products),
                weight_type=signed if products else unsigned,
            )
        finally:
            chatty.setLevel(level)
        return onnx.load(target)


class Form(StrEnum):
    """What goes into the model.

    PIXELS: `pixels`, uint8 [N, H, W, 3] of any size; resizing and normalizing are inside.
    PLAIN: `images`, float32 [N, 3, H, W], resized by whoever asks and normalized with ImageNet's mean and
        deviation, as trackers do whatever a network was trained with: the difference is in the graph.
    """

    PIXELS = "pixels"
    PLAIN = "plain"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        form: which graph.
        size: height and width that the network sees.
        mean: that a plain graph expects to be subtracted, for values in [0, 1]: ImageNet's.
        std: that it expects to be divided by.
        own: the network's own mean and deviation, from which the graph makes up the difference; None if
            there is none.
        told: further inputs, which may be left out: `cameras`, `modalities`.
        masked: whether there is an output of masks beside the vectors.
        bytes: length of the file.
        parity: how far the float32 model is from torch.
        texts: whether the network has a text side, which is left out.
        cosine: for int8, the mean and the lowest cosine of its vectors with torch's on the trial images.
    """

    form: Form
    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    told: tuple[str, ...]
    masked: bool
    bytes: int
    parity: Parity
    own: Normalization | None = None
    texts: bool = False
    cosine: tuple[float, float] | None = None


def export_onnx(
    encoder: Encoder,
    path: Path | str,
    *,
    form: Form = Form.PIXELS,
    int8: bool = False,
    tolerance: float = TOLERANCE,
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """Write a network as ONNX, if the model gives what torch gives.

    Args:
        encoder: a `NetworkEncoder`; its flip averaging is in the graph. Inputs for cameras and modalities are
            there if it asks for them, and may be left out.
        path: the file.
        form: which graph.
        int8: quantize the weights of matrix products to eight bits.
        tolerance: the largest difference that float32 may show, relative to the largest value.
        metadata: texts that the file holds besides how it is fed, as how its embeddings are compared.

    Raises:
        StorageError: if the model differs from torch; nothing is written then.
    """
    if not isinstance(encoder, NetworkEncoder):
        raise OptionError(f"only a network can be exported, and this retriever's encoder is {encoder.kind}")
    if encoder.bfloat16:
        raise OptionError("export the retriever with float32 arithmetic: parity is checked against torch's")
    rng = np.random.default_rng(0)
    card, imagenet = encoder.card, (IMAGENET_MEAN, IMAGENET_STD)
    if form is Form.PIXELS:
        model = graph_with_preprocessing(plain_graph(encoder), card)
        given = Preprocessing(card.image, BYTES_MEAN, BYTES_STD, card.interpolation)
    else:
        model = plain_graph(encoder, imagenet)
        given = Preprocessing(card.image, *imagenet, card.interpolation)
    texts = {**feeding_to_texts(given), **(metadata or {})}
    onnx = require("onnx", extra="onnx", purpose=PURPOSE)
    onnx.helper.set_model_props(model, texts)
    masked = MASKS in [output.name for output in model.graph.output]
    data = model.SerializeToString()
    compared = parity(open_session(data), encoder, rng)
    compared.require(tolerance)
    cosine = None
    if int8:
        model = quantized(model)
        onnx.helper.set_model_props(model, texts)
        data = model.SerializeToString()
        images = trial_images(encoder.card.image, rng)
        expected = encoder.embed(images, Capture.unknown(len(images))).vectors
        alike = cosines(run(open_session(data), images)[0], expected.astype(np.float32))
        cosine = (float(alike.mean()), float(alike.min()))
    with atomic_write(path) as file:
        file.write(data)
    own = (card.mean, card.std)
    return Exported(
        form,
        card.image,
        *imagenet,
        told=tuple(told_to(card)),
        masked=masked,
        bytes=len(data),
        parity=compared,
        own=None if own == imagenet else own,
        texts=isinstance(encoder.network, TextNetwork),
        cosine=cosine,
    )
