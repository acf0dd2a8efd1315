"""Landmark models of BlazePose's interface that see red as a person and know one pose: ONNX and TFLite."""

import numpy as np

from glimpse.segmentation.blazepose import SIDE
from glimpse.segmentation.capsules import JOINTS
from glimpse.segmentation.keypoints import BLAZEPOSE

MASK = np.array([40, 0, -40], np.float32)  # of red, green and blue; less 8
SCORE = np.array([0, 400, 400], np.float32)  # of their means over the image; less 6
SURE = 6.0  # a logit


def landmarks():
    """`[39, 5]`: somebody who stands in the middle of the input; visibility is a logit."""
    ys = {"shoulder": 65, "elbow": 100, "wrist": 130, "hip": 130, "knee": 175, "ankle": 215}
    ys |= {"heel": 220, "toe": 222, "eye": 45, "ear": 46, "": 47}
    aside = {"elbow": 25, "wrist": 28, "eye": 3, "ear": 6, "": 0, "toe": 16}
    points = np.zeros((39, 5), np.float32)
    points[:, 3] = -SURE
    for place, name in zip(BLAZEPOSE, JOINTS, strict=True):
        side, _, joint = name.rpartition("_")
        joint = joint if side else ""
        points[place] = (
            128 + {"left": 1, "right": -1, "": 0}[side] * aside.get(joint, 15),
            ys[joint],
            0,
            SURE,
            SURE,
        )
    return points


def onnx_model(points=None, *, channels_first=False, side=SIDE, without=()):
    """The bytes of the model; `without` names outputs that it lacks."""
    from onnx import TensorProto, helper, numpy_helper

    points = landmarks() if points is None else points
    takes = [1, 3, side, side] if channels_first else [1, side, side, 3]
    values = {
        "world": np.zeros((1, 117)),
        "landmarks": points.reshape(1, 195),
        "to_mask": MASK[:, None],
        "to_score": SCORE[:, None],
        "less_mask": np.array(-8),
        "less_score": np.array(-6),
        "across": np.array([1, 2]),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["image"], perm=[0, 2, 3, 1])
        if channels_first
        else helper.make_node("Identity", ["x"], ["image"]),
        helper.make_node("Identity", ["world"], ["Identity_4"]),
        helper.make_node("Identity", ["landmarks"], ["Identity"]),
        helper.make_node("MatMul", ["image", "to_mask"], ["redness"]),
        helper.make_node("Add", ["redness", "less_mask"], ["Identity_2"]),
        helper.make_node("ReduceMean", ["image", "across"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "to_score"], ["brightness"]),
        helper.make_node("Add", ["brightness", "less_score"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["Identity_1"]),
    ]
    outputs = {
        "Identity_4": [1, 117],
        "Identity_2": [1, side, side, 1],
        "Identity": [1, 195],
        "Identity_1": [1, 1],
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, takes)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
            if name not in without
        ],
        [
            numpy_helper.from_array(value.astype(np.int64 if name == "across" else np.float32), name)
            for name, value in values.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def tflite_model(points=None):
    """The same in TFLite; needs the extra `pose`."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    points = landmarks() if points is None else points
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph.tensors, graph.operators = [], []

    def tensor(shape, value=None, kind=schema.TensorType.FLOAT32):
        one = schema.TensorT()
        one.shape, one.type, one.buffer = shape, kind, 0
        if value is not None:
            one.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        graph.tensors.append(one)
        return len(graph.tensors) - 1

    def weights(value):
        return tensor(list(value.shape), value.astype(np.float32))

    def operator(name, inputs, shape, options=None):
        code, one = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        model.operatorCodes.append(code)
        one.opcodeIndex, one.inputs, one.outputs = len(model.operatorCodes) - 1, inputs, [tensor(shape)]
        if options is not None:
            one.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            one.builtinOptions = options
        graph.operators.append(one)
        return one.outputs[0]

    image = tensor([1, SIDE, SIDE, 3])
    convolution = schema.Conv2DOptionsT()
    convolution.strideH = convolution.strideW = convolution.dilationHFactor = convolution.dilationWFactor = 1
    dense = schema.FullyConnectedOptionsT
    mask = operator(
        *("CONV_2D", [image, weights(MASK.reshape(1, 1, 1, 3)), weights(np.array([-8.0]))]),
        *([1, SIDE, SIDE, 1], convolution),
    )
    across = tensor([2], np.array([1, 2], np.int32), schema.TensorType.INT32)
    means = operator("MEAN", [image, across], [1, 3], schema.ReducerOptionsT())
    logit = operator(
        "FULLY_CONNECTED", [means, weights(SCORE[None]), weights(np.array([-6.0]))], [1, 1], dense()
    )
    score = operator("LOGISTIC", [logit], [1, 1])
    found = operator(
        *("FULLY_CONNECTED", [means, weights(np.zeros((195, 3))), weights(points.ravel())]),
        *([1, 195], dense()),
    )
    graph.inputs, graph.outputs, model.subgraphs = [image], [found, score, mask], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
