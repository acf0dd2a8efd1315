"""Colors as an encoder."""

import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError
from glimpse.records import Capture
from glimpse.retriever import ColorEncoder
from glimpse.retriever.encoders.color import SIZE

COLORS = {"red": (200, 20, 20), "green": (20, 130, 40), "blue": (30, 40, 190)}


def images_of(*names):
    return np.stack([np.full((*SIZE, 3), COLORS[name], np.uint8) for name in names])


def embedded(*names):
    return ColorEncoder().embed(images_of(*names), Capture.unknown(len(names)))


def test_images_of_one_color_are_alike_and_of_others_are_not():
    vectors = embedded("red", "red", "blue").vectors
    assert vectors.shape == (3, ColorEncoder().dim)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.parametrize("name", COLORS)
def test_a_sentence_finds_the_image_of_its_color(name):
    words = ColorEncoder().embed_texts([f"somebody in {name}"]).vectors[0]
    assert list(COLORS)[(embedded(*COLORS).vectors @ words).argmax()] == name


def test_a_sentence_without_colors_is_nobody():
    assert not ColorEncoder().embed_texts(["somebody with a bag"]).vectors.any()


def test_only_prepared_pixels_are_taken():
    with pytest.raises(
        ShapeError, match=r"expected prepared pixels uint8 \[B, 128, 64, 3\], got uint8 \[1, 8, 4, 3\]"
    ):
        ColorEncoder().embed(np.zeros((1, 8, 4, 3), np.uint8), Capture.unknown(1))


def test_a_card_has_nothing_to_say_of_it(tmp_path):
    assert ColorEncoder.read(ColorEncoder().write(tmp_path)) == ColorEncoder()
    assert not list(tmp_path.iterdir())
    with pytest.raises(OptionError, match="a card says nothing of colors"):
        ColorEncoder.read({"bins": 8})
