"""Eight-bit weights for an exported model."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from glimpse.extras import require
from glimpse.retriever.export.graph import PURPOSE

_PRODUCTS = {"MatMul", "Gemm"}


def quantised(model: Any) -> Any:
    """The model with int8 weights, and activations quantised as they come (dynamically).

    Matrix products, with a scale per channel; their share in a transformer is nearly all, and its patch
    embedding in eight bits would cost accuracy. A network without any, as a residual one, has its
    convolutions quantised, with unsigned weights and one scale, which is what the runtime can do.
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
