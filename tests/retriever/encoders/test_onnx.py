"""Exported models say what torch says; anybody's model can be a retriever."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from micro_retrievers import micro_encoder, told_apart
from onnx import TensorProto, helper, numpy_helper

from glimpse.errors import OptionError, StorageError
from glimpse.models.card import NetworkCard
from glimpse.pixels import Filter, resize
from glimpse.records import NO_MODALITY, Capture, Records
from glimpse.retriever import ChannelOrder, ColorEncoder, OnnxEncoder, Preprocessing, Retriever
from glimpse.retriever.encoders.onnx import fed, open_session
from glimpse.retriever.export import Form, ModelEncoder, export_onnx
from glimpse.retriever.export.graph import graph_with_preprocessing
from glimpse.retriever.export.parity import parity
from glimpse.similarity import MaskedCosine


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network with cameras and flip averaging, in both forms and in eight bits."""
    folder = tmp_path_factory.mktemp("exported")
    encoder = micro_encoder("transreid", flip=True, cameras=(1, 2))
    told = {
        "plain": export_onnx(encoder, folder / "plain.onnx", form=Form.PLAIN),
        "pixels": export_onnx(encoder, folder / "pixels.onnx"),
        "int8": export_onnx(encoder, folder / "int8.onnx", form=Form.PLAIN, int8=True),
    }
    return folder, encoder, told


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


def test_a_plain_export_is_a_retriever_again(exported, images, tmp_path):
    folder, encoder, _ = exported
    card = encoder.card
    preprocessing = Preprocessing(card.image, card.mean, card.std, card.interpolation)
    again = Retriever(OnnxEncoder.open(folder / "plain.onnx", preprocessing))
    expected = Retriever(encoder).embed(images).vectors
    np.testing.assert_allclose(again.embed(images).vectors, expected, rtol=0, atol=1e-4)
    again.save(tmp_path / "onnx")
    loaded = Retriever.load(tmp_path / "onnx")
    assert loaded.encoder.preprocessing == preprocessing
    np.testing.assert_array_equal(loaded.embed(images).vectors, again.embed(images).vectors)
    with pytest.raises(OptionError, match="an ONNX model has no text side"):
        loaded.embed_text(["a red coat"])


@pytest.mark.parametrize(
    ("method", "options"),
    [("dpm", {"mask": "full", "stride": 16}), ("dpm++", {"backbone": "clip", "mask": "light", "stripes": 2})],
    ids=["published", "stripes"],
)
def test_masks_are_exported_and_read_again(images, tmp_path, method, options):
    encoder = micro_encoder(method, similarity="masked-cosine", options=options)
    told = export_onnx(encoder, tmp_path / "masked.onnx", form=Form.PLAIN)
    assert told.masked
    card = encoder.card
    preprocessing = Preprocessing(card.image, card.mean, card.std, card.interpolation)
    again = Retriever(OnnxEncoder.open(tmp_path / "masked.onnx", preprocessing), MaskedCosine())
    expected = Retriever(encoder).embed(images)
    found = again.embed(images)
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found.masks, expected.masks, rtol=0, atol=1e-3)
    assert again.encoder.dim == expected.vectors.shape[1]


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
        assert off.max() <= (8 if size == (200, 33) else 0 if size == (64, 32) else 1)
        assert off.mean() < (0.5 if size == (200, 33) else 0.01)


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


def foreign_model(batch="N", size=(8, 4), trailing=False):
    """The mean of each channel, as [N, 3], or as [N, 3, 1, 1]."""
    nodes = [helper.make_node("ReduceMean", ["data", "axes"], ["feature"], keepdims=int(trailing))]
    shape = [batch, 3, 1, 1] if trailing else [batch, 3]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, *size])],
        [helper.make_tensor_value_info("feature", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array([2, 3]), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


@pytest.mark.parametrize("batch", ["N", 1, 4])
@pytest.mark.parametrize("trailing", [False, True])
def test_a_foreign_model_is_fed_as_its_card_says(batch, trailing, images):
    preprocessing = Preprocessing((8, 4), (0.5, 0.4, 0.3), (0.1, 0.2, 0.3), Filter.BICUBIC, ChannelOrder.BGR)
    foreign = Retriever(OnnxEncoder(foreign_model(batch, trailing=trailing), preprocessing))
    assert foreign.encoder.dim == 3
    small = np.stack([resize(image, (8, 4)) for image in images])[..., ::-1] / 255
    expected = ((small - [0.5, 0.4, 0.3]) / [0.1, 0.2, 0.3]).mean((1, 2))
    np.testing.assert_allclose(foreign.embed(images).vectors, expected, rtol=0, atol=1e-5)
    assert foreign.embed([]).vectors.shape == (0, 3)


def test_bytes_can_be_fed_as_they_are():
    pixels = np.arange(96, dtype=np.uint8).reshape(1, 8, 4, 3)
    given = fed(pixels, Preprocessing((8, 4), (0, 0, 0), (1 / 255,) * 3))
    np.testing.assert_allclose(given, pixels.transpose(0, 3, 1, 2), rtol=1e-6)


def test_a_foreign_model_that_does_not_fit_says_why(tmp_path):
    with pytest.raises(OptionError, match=r"must take \[N, 3, 16, 8\], it takes \['N', 3, 8, 4\]"):
        OnnxEncoder(foreign_model(), Preprocessing((16, 8)))
    with pytest.raises(StorageError, match="not an ONNX model that can be run"):
        OnnxEncoder(b"no model", Preprocessing((16, 8)))
    with pytest.raises(StorageError, match="there is no model at"):
        OnnxEncoder.open(tmp_path / "nowhere.onnx", Preprocessing((16, 8)))
    with pytest.raises(OptionError, match=r"deviation .* above 0"):
        Preprocessing((16, 8), std=(1, 0, 1))


CAPTURE = Capture.given(5, cameras=[7, 2, 3, -1, 7], modalities=["ir", "rgb", None, "ir", None])
TOLD = [[8, 2], [4, 1], [0, 0], [8, 0], [0, 2]]


@pytest.mark.parametrize("form", Form)
def test_an_exported_model_may_be_told_what_images_were_taken_with(tmp_path, form):
    encoder = told_apart()
    told = export_onnx(encoder, tmp_path / "told.onnx", form=form)
    assert told.told == ("cameras", "modalities")
    assert told.parity.scale == 8
    session = onnxruntime.InferenceSession(tmp_path / "told.onnx")
    assert [given.name for given in session.get_inputs()] == ["images" if form is Form.PLAIN else "pixels"]
    further = session.get_overridable_initializers()
    assert [(given.name, given.type) for given in further] == [
        ("cameras", "tensor(int64)"),
        ("modalities", "tensor(int64)"),
    ]
    name, given = (
        ("images", np.zeros((5, 3, 8, 4), np.float32))
        if form is Form.PLAIN
        else ("pixels", np.zeros((5, 9, 7, 3), np.uint8))
    )
    numbers = {"cameras": CAPTURE.cameras, "modalities": CAPTURE.modalities}
    assert session.run(None, {name: given, **numbers})[0][:, 3:].tolist() == TOLD
    assert session.run(None, {name: given})[0][:, 3:].tolist() == [[0, 0]] * 5
    only = session.run(None, {name: given, "modalities": CAPTURE.modalities})[0]
    assert only[:, 3:].tolist() == [[modality, 0] for modality, _ in TOLD]


@pytest.mark.parametrize("card", [{"cameras": ()}, {"modalities": ()}, {"cameras": (), "modalities": ()}])
def test_a_model_has_the_inputs_only_that_its_network_asks_for(tmp_path, card):
    told = export_onnx(told_apart(**card), tmp_path / "told.onnx", form=Form.PLAIN)
    assert told.told == tuple(name for name in ("cameras", "modalities") if name not in card)
    graph = onnx.load(tmp_path / "told.onnx").graph
    assert [given.name for given in graph.input] == ["images", *told.told]


def test_a_retriever_of_an_exported_model_is_told_by_its_records(images, folder, tmp_path):
    encoder = told_apart()
    export_onnx(encoder, tmp_path / "told.onnx", form=Form.PLAIN)
    card = encoder.card
    preprocessing = Preprocessing(card.image, card.mean, card.std, card.interpolation)
    Retriever(OnnxEncoder.open(tmp_path / "told.onnx", preprocessing)).save(tmp_path / "again")
    paths = [str(path) for path in sorted(folder.rglob("*.png"))][:5]
    modality = ["ir", "rgb", NO_MODALITY, "ir", NO_MODALITY]
    records = Records.from_columns(paths, 1, camera=CAPTURE.cameras, modality=modality)
    again, torchs = Retriever.load(tmp_path / "again"), Retriever(encoder)
    found = again.embed(records, batch=2).vectors
    assert found[:, 3:].tolist() == TOLD
    np.testing.assert_allclose(found, torchs.embed(records).vectors, rtol=0, atol=1e-5)
    assert again.embed(images, modalities="ir").vectors[:, 3:].tolist() == [[8, 0]] * len(images)
    assert again.embed(images).vectors[:, 3:].tolist() == [[0, 0]] * len(images)


def test_known_cameras_say_in_an_exported_model_what_they_say_in_torch(exported, images):
    folder, encoder, told = exported
    assert told["plain"].told == told["pixels"].told == told["int8"].told == ("cameras",)
    cameras = [1, 2, 9, -1] * 2 + [2, 1, 1]
    expected = Retriever(encoder).embed(images, cameras=cameras).vectors
    assert not np.allclose(expected, Retriever(encoder).embed(images).vectors, atol=1e-2)
    for name in ("plain", "pixels"):
        model = ModelEncoder(open_session((folder / f"{name}.onnx").read_bytes()), encoder)
        found = Retriever(model).embed(images, cameras=cameras).vectors
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    small = ModelEncoder(open_session((folder / "int8.onnx").read_bytes()), encoder)
    found = Retriever(small).embed(images, cameras=cameras).vectors
    cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.9


def test_parity_finds_a_model_that_is_wrong_only_once_it_is_told(tmp_path):
    encoder = told_apart()
    export_onnx(encoder, tmp_path / "told.onnx", form=Form.PLAIN)
    session = open_session((tmp_path / "told.onnx").read_bytes())
    assert parity(session, encoder, np.random.default_rng(0)).difference < 1e-5
    with torch.no_grad():
        encoder.network.offsets[2] += 1  # of infrared images
    assert parity(session, encoder, np.random.default_rng(0)).difference == pytest.approx(1)


def test_a_model_of_fixed_batch_is_filled_up_with_images_of_which_nothing_is_known():
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["data", "axes"], ["feature"], keepdims=0),
            helper.make_node("Cast", ["modalities"], ["told"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["told", "one"], ["column"]),
            helper.make_node("Concat", ["feature", "column"], ["vectors"], axis=1),
        ],
        "fixed",
        [
            helper.make_tensor_value_info("data", TensorProto.FLOAT, [2, 3, 8, 4]),
            helper.make_tensor_value_info("modalities", TensorProto.INT64, [2]),
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [2, 4])],
        [numpy_helper.from_array(np.array([2, 3]), "axes"), numpy_helper.from_array(np.array([1]), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    encoder = OnnxEncoder(model.SerializeToString(), Preprocessing((8, 4)))
    pixels = np.zeros((5, 8, 4, 3), np.uint8)
    assert encoder.embed(pixels, CAPTURE).vectors[:, 3].tolist() == [1, 0, -1, 1, -1]
