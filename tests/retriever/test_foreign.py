"""What an ONNX file tells need not be told again; what cannot be fed is a sentence."""

import numpy as np
import pytest
from micro_retrievers import micro_encoder
from onnx import TensorProto, helper, numpy_helper

from glimpse.choices import ChannelOrder, Filter
from glimpse.errors import GlimpseError
from glimpse.retriever import Preprocessing, Retriever
from glimpse.retriever.export import Form, export_onnx
from glimpse.retriever.foreign import of_onnx

FLOAT, HALF, BYTES, WORDS, WHOLE = (
    getattr(TensorProto, name) for name in ("FLOAT", "FLOAT16", "UINT8", "STRING", "INT64")
)


def written(path, given=(("data", FLOAT, ["N", 3, 8, 4]),), kind=FLOAT, nodes=None, axes=(2, 3), dim=3):
    """A model of the mean colors, or of what else is said."""
    cast = helper.make_node("Cast", [given[0][0] if given else "data"], ["values"], to=FLOAT)
    mean = helper.make_node("ReduceMean", ["values", "axes"], ["means"], keepdims=0)
    graph = helper.make_graph(
        nodes or [cast, mean, helper.make_node("Cast", ["means"], ["vectors"], to=kind)],
        "means",
        [helper.make_tensor_value_info(*one) for one in given],
        [helper.make_tensor_value_info("vectors", kind, ["N", dim])],
        [numpy_helper.from_array(np.array(axes), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


COLOR = np.full((2, 8, 4, 3), (255, 51, 0), np.uint8)


@pytest.mark.parametrize(
    ("given", "axes", "expected"),
    [
        (("data", BYTES, ["N", 3, 8, 4]), (2, 3), (255, 51, 0)),
        (("data", BYTES, ["N", "H", "W", 3]), (1, 2), (255, 51, 0)),
        (("data", FLOAT, ["N", 8, 4, 3]), (1, 2), (0.5, -0.3, -0.5)),
        (("data", HALF, ["N", 3, 8, 4]), (2, 3), (0.5, -0.3, -0.5)),
    ],
    ids=["bytes", "bytes, channels last", "channels last", "half"],
)
def test_models_are_fed_in_the_type_and_order_that_they_take(tmp_path, given, axes, expected):
    path = written(tmp_path / "m.onnx", [given], axes=axes)
    fed = {} if given[1] == BYTES else {"mean": (0.5, 0.5, 0.5), "std": (1, 1, 1)}
    retriever = of_onnx(path, size=(8, 4), **fed).retriever
    retriever.save(tmp_path / "r")
    vectors = Retriever.load(tmp_path / "r").embed(COLOR).vectors
    np.testing.assert_allclose(vectors, [expected] * 2, rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "told", "sentence"),
    [
        (
            {"given": [("data", BYTES, ["N", 3, 8, 4])]},
            {"std": (1, 1, 1)},
            "takes bytes and normalizes them itself",
        ),
        ({"given": [("data", WHOLE, ["N", 3, 8, 4])]}, {}, r"its input data is tensor\(int64\)"),
        ({"given": [("data", FLOAT, ["N", 3])], "axes": (1,)}, {}, "must take images"),
        (
            {"given": [("data", FLOAT, ["N", 3, 8, 4]), ("more", FLOAT, [1])]},
            {},
            r"asks for more, tensor\(float\) \[1\], besides images",
        ),
        (
            {"given": [], "nodes": [helper.make_node("RandomNormal", [], ["vectors"], shape=[1, 3])]},
            {},
            "no input",
        ),
        ({"kind": WORDS}, {}, r"output vectors must be float \[N, D\], it is tensor\(string\)"),
        ({"kind": WHOLE}, {}, "must be float"),
        ({"given": [("data", FLOAT, [0, 3, 8, 4])]}, {}, "takes 0 images at once"),
        ({"given": [("data", FLOAT, [10**9, 3, 8, 4])]}, {}, "takes 1000000000 images at once"),
        ({"axes": (0, 2, 3)}, {}, r"output vectors must be \[N, D\], it is \[3\]"),
        (
            {
                "nodes": [helper.make_node("ConstantOfShape", ["axes"], ["vectors"])],
                "axes": (1, 0),
                "dim": 0,
            },
            {},
            "at least one dimension",
        ),
        ({}, {"size": (0, 0)}, "sides of a model's input are 1 to 4096"),
        ({}, {"size": (10**9, 4)}, "sides of a model's input are 1 to 4096"),
        ({}, {"std": (1, float("inf"), 1)}, "deviation of the normalization"),
        ({}, {"std": (1, 1e-300, 1)}, "deviation of the normalization"),
        ({}, {"std": (1, float("nan"), 1)}, "deviation of the normalization"),
        ({}, {"mean": (float("nan"), 0, 0)}, "mean of the normalization"),
    ],
)
def test_what_cannot_be_fed_is_one_sentence(tmp_path, changes, told, sentence):
    path = written(tmp_path / "m.onnx", **changes)
    with pytest.raises(GlimpseError, match=sentence) as caught:
        of_onnx(path, **told)
    assert "\n" not in str(caught.value)


def test_a_model_that_fails_when_it_runs_is_one_sentence(tmp_path, capfd):
    nodes = [helper.make_node("Reshape", ["data", "axes"], ["vectors"])]
    with pytest.raises(GlimpseError, match="the ONNX model fails on images"):
        of_onnx(written(tmp_path / "m.onnx", nodes=nodes, axes=(5, 7)))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("interpolation", Filter)
def test_an_export_says_how_it_is_fed_in_either_form(tmp_path, images, interpolation):
    encoder = micro_encoder("bot", interpolation=interpolation, mean=(0.1, 0.5, 0.9), std=(0.2, 0.5, 1))
    expected = Retriever(encoder).embed(images).vectors
    for form in Form:
        export_onnx(encoder, tmp_path / f"{form}.onnx", form=form)
        again, stated, _ = of_onnx(tmp_path / f"{form}.onnx")
        assert stated
        assert ("bytes as they are" in again.about["fed"]) == (form is Form.PIXELS)
        again.save(tmp_path / form)
        found = Retriever.load(tmp_path / form).embed(images).vectors
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    changed = of_onnx(tmp_path / "plain.onnx", channels=ChannelOrder.BGR).retriever
    assert changed.encoder.preprocessing == Preprocessing(
        (64, 32), interpolation=interpolation, channels=ChannelOrder.BGR
    )
