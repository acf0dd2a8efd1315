"""The graphs that are exported: preprocessing inside, and further inputs."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from micro_retrievers import told_apart
from onnx import TensorProto, helper

from glimpse.choices import ImageBackbone, Size
from glimpse.models.agw import AgwOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.pixels import Filter, resize
from glimpse.recipes.groups import IMAGENET_MEAN, IMAGENET_STD
from glimpse.records import IMAGE_MODALITIES, Capture
from glimpse.retriever import Retriever
from glimpse.retriever.encoders.network import NetworkEncoder, normalized
from glimpse.retriever.encoders.onnx import open_session
from glimpse.retriever.export import Form, export_onnx
from glimpse.retriever.export.graph import graph_with_preprocessing


def test_the_graph_with_preprocessing_takes_images_of_any_size(exported, images):
    folder, encoder, told = exported
    session = onnxruntime.InferenceSession(folder / "pixels.onnx")
    assert session.get_inputs()[0].shape == ["N", "H", "W", 3]
    expected = Retriever(encoder).embed(images).vectors
    for image, wanted in zip(images, expected, strict=True):
        got = session.run(None, {"pixels": image[None]})[0][0]
        cosine = got @ wanted / np.linalg.norm(got) / np.linalg.norm(wanted)
        assert cosine > 0.999
    assert told["pixels"].parity.difference < 1e-5 * told["pixels"].parity.scale


@pytest.mark.parametrize("interpolation", Filter)
def test_resizing_inside_is_pillows_to_a_level_but_for_tall_images(interpolation):
    card = NetworkCard("bot", "micro", (64, 32), (0, 0, 0), (1 / 255,) * 3, interpolation)
    same = helper.make_graph(
        [helper.make_node("Identity", ["images"], ["vectors"])],
        "identity",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, 64, 32])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", 3, 64, 32])],
    )
    plain = helper.make_model(same, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = open_session(graph_with_preprocessing(plain, card).SerializeToString())
    rng = np.random.default_rng(0)
    for size in ((64, 32), (130, 70), (20, 10), (200, 33), (64, 90), (1, 1)):
        images = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        got = session.run(None, {"pixels": images})[0].transpose(0, 2, 3, 1)
        expected = np.stack([resize(image, (64, 32), interpolation) for image in images])
        off = np.abs(got - expected)
        if interpolation is Filter.OPENCV:  # whose weights are 2048ths
            assert off.max() <= 1
            continue
        assert off.max() <= (8 if size == (200, 33) else 0 if size == (64, 32) else 1)
        assert off.mean() < (0.5 if size == (200, 33) else 0.01)


@pytest.mark.parametrize("card", [{"cameras": ()}, {"modalities": ()}, {"cameras": (), "modalities": ()}])
def test_a_model_has_the_inputs_only_that_its_network_asks_for(tmp_path, card):
    told = export_onnx(told_apart(**card), tmp_path / "told.onnx", form=Form.PLAIN)
    assert told.told == tuple(name for name in ("cameras", "modalities") if name not in card)
    graph = onnx.load(tmp_path / "told.onnx").graph
    assert [given.name for given in graph.input] == ["images", *told.told]


@pytest.mark.parametrize("backbone", ImageBackbone)
def test_a_network_with_a_stem_per_modality_chooses_in_the_graph_as_in_torch(tmp_path, backbone):
    torch.manual_seed(0)
    options = AgwOptions(backbone=backbone)
    card = NetworkCard(
        "agw", Size.MICRO, (64, 32), modalities=IMAGE_MODALITIES, options=options_to_json(options)
    )
    encoder = NetworkEncoder(build_network(card), card)
    export_onnx(encoder, tmp_path / "agw.onnx", form=Form.PLAIN)
    session = open_session((tmp_path / "agw.onnx").read_bytes())
    pixels = np.random.default_rng(0).integers(0, 256, (5, 64, 32, 3), dtype=np.uint8)
    pixels[3:] = pixels[3:, ..., :1]
    fed = replace(card, mean=IMAGENET_MEAN, std=IMAGENET_STD)  # as clients of plain graphs normalize
    images = normalized(torch.from_numpy(pixels), fed).contiguous().numpy()
    numbers = np.array([0, 1, -1, 0, -1])
    wanted = encoder.embed(pixels, Capture.given(5, modalities=numbers)).vectors
    got = session.run(None, {"images": images, "modalities": numbers})[0]
    np.testing.assert_allclose(got, wanted, atol=1e-4 * np.abs(wanted).max())
    unknown = encoder.embed(pixels, Capture.unknown(5)).vectors
    np.testing.assert_allclose(
        session.run(None, {"images": images})[0], unknown, atol=1e-4 * np.abs(unknown).max()
    )
    assert np.abs(unknown - wanted).max() > 1e-3 * np.abs(wanted).max()
