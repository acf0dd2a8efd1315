"""The two graphs: the plain network, and the network behind its own preprocessing."""

from __future__ import annotations

import io
import warnings
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from glimpse.choices import Filter
from glimpse.extras import require
from glimpse.models.card import NetworkCard, Three
from glimpse.models.factory import EmbeddingNetwork
from glimpse.models.taken import Taken
from glimpse.records import modality_numbers
from glimpse.retriever.encoders.network import NetworkEncoder, embed_images
from glimpse.retriever.encoders.onnx import CAMERAS, MASKS, MODALITIES

PURPOSE = "exporting to ONNX"
# 18 is the first with the antialiased Resize; the IR of its time is read by every runtime since 1.14
OPSET, IR = 18, 9
IMAGES, PIXELS, VECTORS = "images", "pixels", "vectors"

Normalization = tuple[Three, Three]
"""Mean and deviation."""


def told_to(card: NetworkCard) -> dict[str, list[int]]:
    """What a network asks for besides images: the numbers that it knows, by the name of the input."""
    known = {CAMERAS: list(card.cameras), MODALITIES: modality_numbers(list(card.modalities)).tolist()}
    return {name: numbers for name, numbers in known.items() if numbers}


class _Traced(nn.Module):
    """What is traced: normalized images in, vectors (and masks) out, mirrored images averaged in.

    What the network asks for besides follows the images: numbers as records have them, in the order of
    `told_to`. Their places in the network's tables are found inside.
    """

    def __init__(self, encoder: NetworkEncoder, fed: Normalization | None = None) -> None:
        super().__init__()
        self.network = encoder.network
        self.flip = encoder.flip
        self.known = told_to(encoder.card)
        self.scale, self.shift = _refed(encoder.card, fed)
        self.as_fed = bool((self.scale == 1).all() and (self.shift == 0).all())

    def forward(self, images: Tensor, *told: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        places = {
            name: _places(numbers.expand(images.shape[0]), known)
            for (name, known), numbers in zip(self.known.items(), told, strict=True)
        }
        taken = Taken(places.get(CAMERAS), places.get(MODALITIES))
        if not self.as_fed:
            images = images * self.scale.to(images.device) + self.shift.to(images.device)
        vectors, masks = embed_images(cast("EmbeddingNetwork", self.network), images, taken, self.flip)
        return vectors if masks is None else (vectors, masks)


def _refed(card: NetworkCard, fed: Normalization | None) -> tuple[Tensor, Tensor]:
    """Scale and shift `[3, 1, 1]` from images that were normalized otherwise to what a network wants.

    x = (p - fed mean) / fed std, and (p - mean) / std = x (fed std / std) + (fed mean - mean) / std.
    """
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (card.mean, card.std))
    fed_mean, fed_std = (
        (mean, std) if fed is None else (torch.tensor(values, dtype=torch.float64) for values in fed)
    )
    scale, shift = fed_std / std, (fed_mean - mean) / std
    return scale.float().reshape(3, 1, 1), shift.float().reshape(3, 1, 1)


def _places(numbers: Tensor, known: list[int]) -> Tensor:
    """The places of numbers `[N]` among known ones, -1 for others."""
    table = torch.tensor(known, device=numbers.device)
    after = torch.arange(1, len(known) + 1, device=numbers.device)
    return ((numbers[:, None] == table) * after).sum(1) - 1


def plain_graph(encoder: NetworkEncoder, fed: Normalization | None = None) -> Any:
    """The network as an ONNX model: `images` float32 [N, 3, H, W], normalized, to `vectors` [N, D].

    Output 1 is `masks` where the network has them. N is free. A network that asks for cameras or modalities
    has them as inputs, int64 [N], numbered as `Capture` has them; left out, all are unknown.

    Args:
        encoder: of the network.
        fed: mean and deviation that images are normalized with, where they are not the network's own: the
            difference becomes a part of the graph.
    """
    onnx = require("onnx", extra="onnx", purpose=PURPOSE)
    traced = _Traced(encoder, fed).eval()
    further = list(traced.known)
    example = torch.zeros(2, 3, *encoder.card.image, device=encoder.device)
    unknown = [torch.full((2,), -1, device=encoder.device) for _ in further]
    with torch.no_grad():
        masked = not isinstance(traced(example, *unknown), Tensor)
    names = [VECTORS, MASKS][: 1 + masked]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracer is marked as old and warns of every shape that Python looks at. It takes a tenth of its
        # successor's time and needs no further package; that N is free is checked, not hoped for (parity.py).
        warnings.simplefilter("ignore")
        torch.onnx.export(
            traced,
            (example, *unknown),
            cast("Any", buffer),  # files in memory are for the tracer only, and its signature is for both
            input_names=[IMAGES, *further],
            output_names=names,
            dynamic_axes={name: {0: "N"} for name in (IMAGES, *further, *names)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.ir_version = IR
    _without_identities(model.graph)
    for name in further:
        # an initializer of an input's name is its default: one number for all
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1], np.int64), name))
    return model


def _without_identities(graph: Any) -> None:
    """Read what identities pass on at its source; the tracer puts them before weights of equal values.

    The quantizer takes weights for constants only where they are read directly.
    """
    outputs = {output.name for output in graph.output}
    passed = [node for node in graph.node if node.op_type == "Identity" and node.output[0] not in outputs]
    source = {node.output[0]: node.input[0] for node in passed}
    for node in passed:
        graph.node.remove(node)
    for node in graph.node:
        for place, name in enumerate(node.input):
            while name in source:
                name = source[name]
            node.input[place] = name


def graph_with_preprocessing(plain: Any, card: NetworkCard) -> Any:
    """The plain model behind resizing and normalizing: `pixels` uint8 [N, H, W, 3] of any H and W, RGB.

    ONNX Runtime's antialiased Resize of bytes rounds as Pillow does, so that hardly a pixel differs. Pillow
    13 passes over the height first where that is cheaper, in tall images: there a third of all pixels
    differ by a level, and up to eight in pure noise. Nothing differs at the network's own size.
    """
    onnx = require("onnx", extra="onnx", purpose=PURPOSE)
    compose = require("onnx.compose", extra="onnx", purpose=PURPOSE)
    smooth = card.interpolation is not Filter.OPENCV
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) * np.float32(255) for v in (card.mean, card.std))
    constants = {
        "size": np.array(card.image, np.int64),
        "mean": mean,
        "std": std,
    }
    nodes = [
        helper.make_node("Transpose", [PIXELS], ["upright"], perm=[0, 3, 1, 2]),
        helper.make_node("Shape", ["upright"], ["outer"], start=0, end=2),
        helper.make_node("Concat", ["outer", "size"], ["sizes"], axis=0),
        helper.make_node(
            "Resize",
            ["upright", "", "", "sizes"],
            ["resized"],
            mode="cubic" if card.interpolation is Filter.BICUBIC else "linear",
            antialias=int(smooth),
            cubic_coeff_a=-0.5,  # Pillow's
            exclude_outside=int(smooth),
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("Cast", ["resized"], ["levels"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", ["levels", "mean"], ["centered"]),
        helper.make_node("Div", ["centered", "std"], ["fed"]),
    ]
    graph = helper.make_graph(
        nodes,
        "preprocessing",
        [helper.make_tensor_value_info(PIXELS, onnx.TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("fed", onnx.TensorProto.FLOAT, ["N", 3, *card.image])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    front = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    whole = compose.merge_models(
        compose.add_prefix(front, "preprocessing/", rename_inputs=False),
        plain,
        io_map=[("preprocessing/fed", IMAGES)],
    )
    del whole.opset_import[:]  # merging leaves one entry of the same number for each part
    whole.opset_import.append(helper.make_opsetid("", OPSET))
    whole.ir_version = IR
    return whole
