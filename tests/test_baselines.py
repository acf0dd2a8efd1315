import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.baselines import (
    BRIGHTNESSES,
    COLOUR_WORDS,
    HUES,
    SATURATIONS,
    color_histogram,
    color_palette,
    color_words,
)
from glimpse.errors import ShapeError

BINS = HUES * SATURATIONS * BRIGHTNESSES


def naive_half(image, top, bottom):
    """A histogram by colorsys, pixel by pixel, of rows and columns as the module says them."""
    height, width = image.shape[:2]
    counts = np.zeros(BINS)
    for y in range(int(top * height), int(bottom * height)):
        for x in range(int(0.15 * width), int(0.85 * width)):
            red, green, blue = (np.float32(value) / np.float32(255) for value in image[y, x])
            hue, saturation, bright = colorsys.rgb_to_hsv(red, green, blue)
            place = [
                min(int(v * n), n - 1)
                for v, n in ((hue, HUES), (saturation, SATURATIONS), (bright, BRIGHTNESSES))
            ]
            counts[(place[0] * SATURATIONS + place[1]) * BRIGHTNESSES + place[2]] += 1
    return np.sqrt(counts / counts.sum() / 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_counts_as_the_standard_library_converts(seed):
    # coarse values, of which none lies on the edge of a bin where the last bit would decide
    values = np.array([3, 40, 75, 101, 140, 178, 205, 250], np.uint8)
    image = np.random.default_rng(seed).choice(values, (2, 32, 16, 3))
    got = color_histogram(image)
    for row in range(2):
        want = np.concatenate([naive_half(image[row], 0.12, 0.50), naive_half(image[row], 0.50, 0.94)])
        assert np.abs(got[row] - want).sum() < 0.15


def test_vectors_have_unit_length_whatever_the_block():
    images = np.random.default_rng(0).integers(0, 256, (515, 16, 8, 3), np.uint8)
    vectors = color_histogram(images)
    assert vectors.shape == (515, 2 * BINS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(color_histogram(images[513:]), vectors[513:])


def test_upper_and_lower_body_are_told_apart():
    image = np.zeros((1, 20, 10, 3), np.uint8)
    image[:, :10] = (200, 0, 0)
    image[:, 10:] = (0, 0, 200)
    vectors = color_histogram(np.concatenate([image, image[:, ::-1]]))
    assert vectors[0] @ vectors[1] < 0.2


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4), (1, 4, 4, 1)])
def test_what_is_no_batch_of_images_is_refused(shape):
    with pytest.raises(ShapeError, match="expected uint8 images"):
        color_histogram(np.zeros(shape, np.uint8))
    with pytest.raises(ShapeError):
        color_histogram(np.zeros((1, 4, 4, 3), np.float32))


def test_no_images_give_no_vectors():
    assert color_histogram(np.zeros((0, 16, 8, 3), np.uint8)).shape == (0, 2 * BINS)


def test_a_sentence_is_nearest_to_the_image_of_its_colors():
    names = ["red", "green", "navy", "yellow"]
    images = np.stack([np.full((16, 8, 3), np.array(COLOUR_WORDS[name]) * 255, np.uint8) for name in names])
    words = color_words([f"A person in a {name} coat." for name in names])
    assert (words @ color_palette(images).T).argmax(1).tolist() == [0, 1, 2, 3]
