import builtins
from types import SimpleNamespace

import numpy as np
import pytest

from glimpse.encoders.onnx import OnnxEncoder, Preprocessing, open_onnx
from glimpse.errors import MissingExtraError, OptionError, ShapeError, WeightsError
from glimpse.pixels import Filter

STATED = Preprocessing((4, 2), mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0))


class MeanColour:
    """A session whose embedding is the mean of each channel; it remembers the batches it was given."""

    def __init__(self, shape=("batch", 3, 4, 2), outputs=("logits", "feature"), trailing=()):
        self.inputs = [SimpleNamespace(name="images", shape=list(shape))]
        self.outputs = [SimpleNamespace(name=name, shape=[]) for name in outputs]
        self.trailing = trailing
        self.batches = []

    def get_inputs(self):
        return self.inputs

    def get_outputs(self):
        return self.outputs

    def run(self, names, feeds):
        images = feeds["images"]
        self.batches.append(len(images))
        vectors = images.mean((2, 3))
        if names == ["logits"]:
            vectors = -vectors
        return [vectors.reshape(*vectors.shape, *self.trailing)]


def pixels(count=5):
    return np.random.default_rng(0).integers(0, 256, (count, 4, 2, 3), np.uint8)


def expected(images):
    return ((images / 255 - STATED.mean) / STATED.std).mean((1, 2))


def test_preprocessing_is_what_was_stated():
    values = STATED(pixels())
    assert values.shape == (5, 3, 4, 2)
    assert (values.dtype, values.flags.c_contiguous) == (np.float32, True)
    np.testing.assert_allclose(values[:, 2], pixels()[..., 2] / 255 / 2, atol=1e-6)
    reverse = Preprocessing((4, 2), STATED.mean, STATED.std, bgr=True)(pixels())
    assert (reverse == values[:, ::-1]).all()


def test_preprocessing_comes_back_from_json():
    stated = Preprocessing((384, 128), (0, 0, 0), (1, 1, 1), Filter.BICUBIC, bgr=True)
    assert Preprocessing.from_json(stated.to_json()) == stated


@pytest.mark.parametrize(
    "wrong", [{"std": (1, 0, 1)}, {"mean": (0, 0)}, {"mean": (0, float("nan"), 0)}, {"size": (0, 4)}]
)
def test_impossible_preprocessing_is_refused(wrong):
    with pytest.raises(OptionError):
        Preprocessing(**wrong)


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_vectors_do_not_depend_on_the_batch(batch):
    encoder = OnnxEncoder(MeanColour(), STATED, output="feature")
    np.testing.assert_allclose(encoder.embed(pixels(), batch=batch), expected(pixels()), atol=1e-6)


def test_the_first_output_is_the_default():
    np.testing.assert_allclose(
        OnnxEncoder(MeanColour(), STATED).embed(pixels()), -expected(pixels()), atol=1e-6
    )


def test_a_fixed_batch_is_filled_up():
    session = MeanColour(shape=(2, 3, 4, 2))
    vectors = OnnxEncoder(session, STATED, output="feature").embed(pixels())
    assert session.batches == [2, 2, 2]
    np.testing.assert_allclose(vectors, expected(pixels()), atol=1e-6)


def test_a_map_of_one_place_is_a_vector():
    encoder = OnnxEncoder(MeanColour(trailing=(1, 1)), STATED, output="feature")
    assert encoder.embed(pixels()).shape == (5, 3)


@pytest.mark.parametrize("shape", [(1, 3, 8, 2), (1, 1, 4, 2), (1, 4, 2, 3), (3, 4, 2)])
def test_a_model_of_another_input_is_refused(shape):
    with pytest.raises(WeightsError, match=r"the preprocessing gives \[B, 3, 4, 2\]"):
        OnnxEncoder(MeanColour(shape=shape), STATED)


def test_free_sizes_are_accepted():
    session = MeanColour(shape=(None, 3, "height", "width"))
    assert OnnxEncoder(session, STATED).embed(pixels()).shape == (5, 3)


def test_what_is_no_embedding_is_refused():
    session = MeanColour()
    session.run = lambda names, feeds: [feeds["images"]]
    with pytest.raises(WeightsError, match=r"must be \[5, D\], got \[5, 3, 4, 2\]"):
        OnnxEncoder(session, STATED).embed(pixels())
    with pytest.raises(OptionError, match="no output 'embedding'; there are logits, feature"):
        OnnxEncoder(MeanColour(), STATED, output="embedding")
    session.inputs = session.inputs * 2
    with pytest.raises(WeightsError, match="one input, it has 2"):
        OnnxEncoder(session, STATED)


@pytest.mark.parametrize("images", [pixels().astype(np.float32), pixels()[:, :3], pixels()[0]])
def test_other_pixels_are_refused(images):
    with pytest.raises(ShapeError, match=r"uint8 \[B, 4, 2, 3\]"):
        OnnxEncoder(MeanColour(), STATED).embed(images)
    with pytest.raises(ShapeError, match="no images"):
        OnnxEncoder(MeanColour(), STATED).embed(pixels(0))


def test_without_the_runtime_the_extra_is_named(monkeypatch, tmp_path):
    plain = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("onnxruntime"):
            raise ImportError(name)
        return plain(name, *rest, **more)

    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(MissingExtraError, match=r"onnxruntime: pip install .glimpse\[onnx\]"):
        open_onnx(tmp_path / "model.onnx", STATED)
