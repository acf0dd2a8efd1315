"""Exported models say what torch says; anybody's model can be a retriever."""

import numpy as np
import onnxruntime
import pytest
from micro_retrievers import micro_encoder, told_apart
from onnx import TensorProto, helper, numpy_helper

from glimpse.errors import OptionError, StorageError
from glimpse.pixels import Filter, resize
from glimpse.records import NO_MODALITY, Capture, Records
from glimpse.retriever import ChannelOrder, OnnxEncoder, Preprocessing, Retriever
from glimpse.retriever.codec import comparison_to_texts
from glimpse.retriever.encoders.onnx import fed
from glimpse.retriever.export import Form, export_onnx
from glimpse.retriever.foreign import of_onnx
from glimpse.similarity import MaskedCosine


def test_a_plain_export_is_a_retriever_again(exported, images, tmp_path):
    folder, encoder, _ = exported
    again = of_onnx(folder / "plain.onnx").retriever
    assert again.encoder.preprocessing == Preprocessing((64, 32), interpolation=encoder.card.interpolation)
    expected = Retriever(encoder).embed(images).vectors
    np.testing.assert_allclose(again.embed(images).vectors, expected, rtol=0, atol=1e-4)
    again.save(tmp_path / "onnx")
    loaded = Retriever.load(tmp_path / "onnx")
    assert loaded.encoder.preprocessing == again.encoder.preprocessing
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
    texts = comparison_to_texts(MaskedCosine(), None)
    told = export_onnx(encoder, tmp_path / "masked.onnx", form=Form.PLAIN, metadata=texts)
    assert told.masked
    again = of_onnx(tmp_path / "masked.onnx").retriever
    assert again.similarity == MaskedCosine()
    expected = Retriever(encoder).embed(images)
    found = again.embed(images)
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found.masks, expected.masks, rtol=0, atol=1e-3)
    assert again.encoder.dim == expected.vectors.shape[1]


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
    with pytest.raises(StorageError, match="cannot read the model"):
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


def test_a_retriever_of_an_exported_model_is_told_by_its_records(images, folder, tmp_path):
    encoder = told_apart()
    export_onnx(encoder, tmp_path / "told.onnx", form=Form.PLAIN)
    of_onnx(tmp_path / "told.onnx")[0].save(tmp_path / "again")
    paths = [str(path) for path in sorted(folder.rglob("*.png"))][:5]
    modality = ["ir", "rgb", NO_MODALITY, "ir", NO_MODALITY]
    records = Records.from_columns(paths, 1, camera=CAPTURE.cameras, modality=modality)
    again, torchs = Retriever.load(tmp_path / "again"), Retriever(encoder)
    found = again.embed(records, batch=2).vectors
    assert found[:, 3:].tolist() == TOLD
    np.testing.assert_allclose(found, torchs.embed(records).vectors, rtol=0, atol=1e-5)
    assert again.embed(images, modalities="ir").vectors[:, 3:].tolist() == [[8, 0]] * len(images)
    assert again.embed(images).vectors[:, 3:].tolist() == [[0, 0]] * len(images)


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
