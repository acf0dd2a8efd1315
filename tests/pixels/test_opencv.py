"""`opencv-bilinear` is `cv2.resize` with INTER_LINEAR, level for level, and plain bilinear interpolation."""

import cv2
import numpy as np
import pytest

from glimpse.choices import Filter
from glimpse.pixels import resize

SIZES = [
    ((64, 32), (64, 32)), ((128, 64), (64, 32)), ((128, 63), (64, 32)), ((256, 200), (64, 32)),
    ((1, 1), (64, 32)), ((20, 10), (64, 32)), ((5, 300), (64, 32)), ((300, 7), (256, 128)),
    ((41, 77), (1, 1)), ((2, 2), (1, 1)), ((499, 213), (256, 128)), ((64, 16), (32, 32)),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_it_is_opencvs(old, new):
    image = np.random.default_rng(0).integers(0, 256, (*old, 3), dtype=np.uint8)
    expected = cv2.resize(image, new[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize(image, new, Filter.OPENCV), expected)


def naive(image, size):
    """The formula in float64: the pixel centers of the new image, between the four nearest of the old one."""
    result = np.empty((*size, 3))
    places = [(np.arange(new) + 0.5) * old / new - 0.5 for old, new in zip(image.shape, size, strict=False)]
    (ys, xs), (high, wide) = places, image.shape[:2]
    for row, y in enumerate(np.clip(ys, 0, high - 1)):
        for column, x in enumerate(np.clip(xs, 0, wide - 1)):
            top, left = min(int(y), max(high - 2, 0)), min(int(x), max(wide - 2, 0))
            bottom, right = min(top + 1, high - 1), min(left + 1, wide - 1)
            down, across = y - top, x - left
            above = (1 - across) * image[top, left] + across * image[top, right]
            below = (1 - across) * image[bottom, left] + across * image[bottom, right]
            result[row, column] = (1 - down) * above + down * below
    return result


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_it_is_the_formula_to_a_level(old, new):
    image = np.random.default_rng(1).integers(0, 256, (*old, 3), dtype=np.uint8)
    assert np.abs(resize(image, new, Filter.OPENCV) - naive(image, new)).max() <= 1


def test_shrinking_does_not_antialias():
    image = np.zeros((90, 90, 3), np.uint8)
    image[1::3, 1::3] = 255  # exactly the pixels that every third center falls on
    assert resize(image, (30, 30), Filter.OPENCV).min() == 255
    assert resize(image, (30, 30), Filter.BILINEAR).max() < 128
