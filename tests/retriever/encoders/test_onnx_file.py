"""Weights beside a model become part of it, and nothing elsewhere ever does."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from glimpse.errors import StorageError
from glimpse.records import Capture
from glimpse.retriever import OnnxEncoder, Preprocessing, Retriever
from glimpse.retriever.encoders.onnx_file import read_model
from glimpse.retriever.foreign import of_onnx

SIZE = (8, 4)
WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def weighted(weights=WEIGHTS):
    """The mean of each channel times a matrix of weights."""
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["means"]),
            helper.make_node("MatMul", ["means", "weights"], ["vectors"]),
        ],
        "weighted",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, *SIZE])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def saved(folder, weights=WEIGHTS):
    """The model with its weights in a file beside it."""
    folder.mkdir(exist_ok=True, parents=True)
    model = weighted(weights)
    (tensor,) = model.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "m.onnx.data"), ("offset", "0"), ("length", str(weights.nbytes))):
        tensor.external_data.add(key=key, value=value)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    (folder / "m.onnx.data").write_bytes(weights.tobytes())
    return folder / "m.onnx"


def redirected(path, **entries):
    """The model with other words about where its weights lie."""
    model = onnx.load(path, load_external_data=False)
    (tensor,) = model.graph.initializer
    kept = {entry.key: entry.value for entry in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in kept.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


WHITE = np.full((1, *SIZE, 3), 255, np.uint8)
FED = Preprocessing(SIZE, (0, 0, 0), (1, 1, 1))


def test_a_model_is_read_from_any_folder_and_no_other_file_matters_later(tmp_path, monkeypatch):
    path = saved(tmp_path / "model")
    elsewhere = tmp_path / "elsewhere"
    saved(elsewhere, WEIGHTS + 100)
    (elsewhere / "m.onnx").unlink()
    expected = WEIGHTS.sum(0)[None]
    for folder in (tmp_path / "model", tmp_path, elsewhere):
        monkeypatch.chdir(folder)
        retriever = of_onnx(path, mean=(0, 0, 0), std=(1, 1, 1)).retriever
        np.testing.assert_allclose(retriever.embed(WHITE).vectors, expected, rtol=1e-6)
    retriever.save(tmp_path / "retriever")
    saved(tmp_path / "model", WEIGHTS + 100)
    for folder in (tmp_path / "model", elsewhere, tmp_path / "retriever"):
        monkeypatch.chdir(folder)
        np.testing.assert_allclose(
            Retriever.load(tmp_path / "retriever").embed(WHITE).vectors, expected, rtol=1e-6
        )
    assert WEIGHTS.tobytes() in (tmp_path / "retriever" / "model.onnx").read_bytes()


def test_bytes_that_refer_to_a_file_are_refused_though_the_file_is_here(tmp_path, monkeypatch):
    model = saved(tmp_path).read_bytes()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="keeps weights in another file"):
        OnnxEncoder(model, FED)


def test_weights_of_constants_and_inner_graphs_are_taken_in(tmp_path):
    model = weighted()
    tensor = model.graph.initializer.pop()
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["chosen"], value=tensor)],
        "inner",
        [],
        [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, [3, 2])],
    )
    yes = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    model.graph.node.insert(
        0, helper.make_node("If", ["yes"], ["weights"], then_branch=inner, else_branch=inner)
    )
    model.graph.node.insert(0, yes)
    for branch in model.graph.node[1].attribute:
        held = branch.g.node[0].attribute[0].t
        held.ClearField("raw_data")
        held.data_location = TensorProto.EXTERNAL
        held.external_data.add(key="location", value="sub/w.bin")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    vectors = OnnxEncoder.open(tmp_path / "m.onnx", FED).embed(WHITE, Capture.unknown(1)).vectors
    np.testing.assert_allclose(vectors, WEIGHTS.sum(0)[None], rtol=1e-6)


@pytest.mark.parametrize(
    "location",
    [
        "../w.bin",
        "sub/../../w.bin",
        "/{folder}/w.bin",
        "..\\w.bin",
        "",
        "*/_ORT_MEM_ADDR_/*",
        "~/w.bin",
        "a\nb",
    ],
)
def test_weights_that_lie_elsewhere_are_refused(tmp_path, location):
    path = saved(tmp_path / "model")
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    redirected(path, location=location.replace("{folder}", str(tmp_path)[1:]))
    with pytest.raises(StorageError, match=r"beside the model only|must lie beside it"):
        read_model(path)


def test_a_link_out_of_the_folder_is_refused_and_one_to_a_whole_model_followed(tmp_path):
    path = saved(tmp_path / "model")
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (tmp_path / "model" / "m.onnx.data").rename(blobs / "1")
    (tmp_path / "model" / "m.onnx.data").symlink_to(blobs / "1")
    with pytest.raises(StorageError, match="is a link out of its folder"):
        read_model(path)
    # as the hub's cache has it: both are links into one folder
    path.rename(blobs / "0")
    path.symlink_to(blobs / "0")
    assert WEIGHTS.tobytes() in read_model(path)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"offset": "8"}, "wants bytes 8 to 32 of its file m.onnx.data, which has 24"),
        ({"length": "99999999999"}, "which has 24"),
        ({"offset": "-4"}, "no whole number"),
        ({"length": "9" * 50}, "no whole number"),
        ({"location": "gone.bin"}, "must lie beside it"),
    ],
)
def test_what_is_said_of_the_weights_must_hold(tmp_path, entries, sentence):
    path = saved(tmp_path)
    redirected(path, **entries)
    with pytest.raises(StorageError, match=sentence):
        read_model(path)


def test_a_damaged_model_and_a_missing_one_are_a_sentence(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(b"location" + path.read_bytes()[40:])
    with pytest.raises(StorageError, match="not an ONNX model"):
        read_model(path)
    with pytest.raises(StorageError, match="cannot read the model"):
        read_model(tmp_path)


def looping(rounds=None, *, inner=None, as_node=False, in_function=False):
    """The mean of each channel, added to itself over and over; perhaps with a second loop in the first."""
    scalar, count = TensorProto.BOOL, TensorProto.INT64
    body = [
        helper.make_node("Add", ["sum", "means"], ["more"]),
        helper.make_node("Identity", ["on"], ["still"]),
    ]
    told = []
    for name, number in (("rounds", rounds), ("inner", inner)):
        if number is not None:
            told.append(numpy_helper.from_array(np.array(number, np.int64), name))

    def loop(nodes, limit, given, left, names):
        graph = helper.make_graph(
            nodes,
            f"body of {limit}",
            [
                helper.make_tensor_value_info(names[0], count, []),
                helper.make_tensor_value_info(names[1], scalar, []),
                helper.make_tensor_value_info(names[2], TensorProto.FLOAT, ["N", 3]),
            ],
            [
                helper.make_tensor_value_info(names[3], scalar, []),
                helper.make_tensor_value_info(names[4], TensorProto.FLOAT, ["N", 3]),
            ],
        )
        return helper.make_node("Loop", [limit, "", given], [left], body=graph)

    if inner is not None:
        within = loop(body, "inner", "outer sum", "after", ["i", "on", "sum", "still", "more"])
        body = [within, helper.make_node("Identity", ["outer on"], ["outer still"])]
        names = ["j", "outer on", "outer sum", "outer still", "after"]
    else:
        names = ["i", "on", "sum", "still", "more"]
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
        loop(body, "" if rounds is None else "rounds", "means", "vectors", names),
    ]
    if as_node:
        nodes.insert(0, helper.make_node("Constant", [], ["rounds"], value=told.pop(0)))
    graph = helper.make_graph(
        nodes,
        "looping",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, *SIZE])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", 3])],
        told,
    )
    opsets = [helper.make_opsetid("", 18)]
    functions = (
        [helper.make_function("mine", "f", ["means"], ["vectors"], nodes[2:], opsets)] if in_function else []
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions)


@pytest.mark.parametrize(
    ("given", "rounds"),
    [({"rounds": 3}, 3), ({"rounds": 3, "as_node": True}, 3), ({"rounds": 3, "inner": 4}, 12)],
)
def test_loops_of_a_constant_number_of_rounds_are_run(given, rounds):
    encoder = OnnxEncoder(looping(**given).SerializeToString(), FED)
    np.testing.assert_allclose(encoder.embed(WHITE, Capture.unknown(1)).vectors, rounds + 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "has a loop without a constant number of rounds"),
        ({"rounds": 2**62}, r"has 4,611,686,018,427,387,904 rounds, more than 10,000"),
        ({"rounds": 200, "inner": 100}, r"has 20,000 rounds, more than 10,000"),
        ({"rounds": 3, "in_function": True}, "has a loop within a function"),
    ],
)
def test_a_model_that_may_never_end_is_refused(tmp_path, given, sentence):
    (tmp_path / "m.onnx").write_bytes(looping(**given).SerializeToString())
    with pytest.raises(StorageError, match=sentence):
        of_onnx(tmp_path / "m.onnx")


def test_a_loop_whose_rounds_are_computed_is_refused():
    model = looping(3)
    model.graph.initializer[0].name = "told"
    model.graph.node.insert(0, helper.make_node("Identity", ["told"], ["rounds"]))
    with pytest.raises(StorageError, match="without a constant number of rounds"):
        OnnxEncoder(model.SerializeToString(), FED)
