"""Export to ONNX, and what is not written."""

import numpy as np
import onnx
import onnxruntime
import pytest
from micro_retrievers import micro_encoder

from glimpse.errors import OptionError, StorageError
from glimpse.records import Capture
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.encoders.onnx import open_session
from glimpse.retriever.export import Form, ModelEncoder, export_onnx


def test_the_plain_graph_is_what_trackers_expect(exported):
    folder, encoder, told = exported
    session = onnxruntime.InferenceSession(folder / "plain.onnx")
    given, output = session.get_inputs()[0], session.get_outputs()[0]
    assert (given.name, given.type, given.shape) == ("images", "tensor(float)", ["N", 3, 64, 32])
    assert output.type == "tensor(float)"
    for batch in (1, 2, 7):
        result = session.run(None, {"images": np.zeros((batch, 3, 64, 32), np.float32)})[0]
        assert result.shape == (batch, encoder.dim)
    assert not told["plain"].masked
    assert told["plain"].parity.difference < 1e-5 * told["plain"].parity.scale


@pytest.mark.parametrize("int8", [False, True])
def test_a_client_that_applies_imagenets_mean_and_deviation_gets_the_networks_vectors(tmp_path, int8):
    """Whatever the network itself was trained with."""
    encoder = micro_encoder("transreid", mean=(0.1, 0.5, 0.9), std=(0.2, 0.5, 1))
    told = export_onnx(encoder, tmp_path / "plain.onnx", form=Form.PLAIN, int8=int8)
    assert (told.mean, told.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert told.own == ((0.1, 0.5, 0.9), (0.2, 0.5, 1))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8)
    blob = (pixels / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    session = onnxruntime.InferenceSession(tmp_path / "plain.onnx")
    (found,) = session.run(None, {"images": blob.transpose(0, 3, 1, 2).astype(np.float32)})
    expected = encoder.embed(pixels, Capture.unknown(4)).vectors
    cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > (0.95 if int8 else 0.999999)


def test_a_network_of_imagenets_own_normalization_is_exported_as_it_is(tmp_path):
    encoder = micro_encoder("bot", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert export_onnx(encoder, tmp_path / "plain.onnx", form=Form.PLAIN).own is None
    nodes = onnx.load(tmp_path / "plain.onnx").graph.node
    assert {node.op_type for node in nodes if "images" in node.input} == {"Conv"}


def test_a_text_side_is_said_to_be_left_out(exported, tmp_path):
    assert not exported[2]["plain"].texts
    assert export_onnx(micro_encoder("clip", options={}), tmp_path / "clip.onnx").texts


def test_eight_bits_are_smaller_and_close(exported, images):
    folder, encoder, told = exported
    small, large = (folder / "int8.onnx").stat().st_size, (folder / "plain.onnx").stat().st_size
    assert small == told["int8"].bytes < 0.6 * large
    mean, lowest = told["int8"].cosine
    assert 0.9 < lowest <= mean < 1.0001
    model = ModelEncoder(open_session((folder / "int8.onnx").read_bytes()), encoder)
    assert Retriever(model).embed(images).vectors.shape == (len(images), encoder.dim)


def test_convolutions_are_quantized_where_there_is_nothing_else(tmp_path):
    encoder = micro_encoder("bot")
    told = export_onnx(encoder, tmp_path / "bot.onnx", int8=True)
    assert told.cosine[1] > 0.9
    kinds = {node.op_type for node in onnx.load(tmp_path / "bot.onnx").graph.node}
    assert "ConvInteger" in kinds


def test_a_model_that_differs_from_torch_is_not_written(tmp_path, encoder):
    with pytest.raises(StorageError, match=r"differs from torch by .* nothing was written"):
        export_onnx(encoder, tmp_path / "model.onnx", form=Form.PLAIN, tolerance=0)
    assert list(tmp_path.iterdir()) == []


def test_only_networks_are_exported(tmp_path):
    with pytest.raises(OptionError, match=r"only a network can be exported, .* colors"):
        export_onnx(ColorEncoder(), tmp_path / "model.onnx")
