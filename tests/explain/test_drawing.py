"""Maps over images: orange for, blue against, the image still to be seen."""

import numpy as np
import pytest

from glimpse.explain.drawing import heat, outlined

GREY = np.full((64, 32, 3), 120, np.uint8)


def test_what_adds_is_orange_what_speaks_against_is_blue_and_nothing_is_gray():
    values = np.zeros((4, 2))
    values[0, 0], values[3, 1] = 1, -1
    shown = heat(GREY, values, 1.0).astype(int)
    assert shown[4, 4, 0] - shown[4, 4, 2] > 100
    assert shown[60, 28, 2] - shown[60, 28, 0] > 100
    assert np.ptp(shown[32, 28]) == 0


def test_an_empty_map_leaves_the_pale_image():
    assert np.unique(heat(GREY, np.zeros((4, 2)), 0.0)).size == 1


def test_a_weaker_value_has_less_hue():
    strong, weak = (heat(GREY, np.full((2, 2), value), 1.0)[0, 0].astype(int) for value in (1.0, 0.3))
    assert strong[0] - strong[2] > weak[0] - weak[2] > 0


@pytest.mark.parametrize("shape", [(64, 32), (8, 4)])
def test_only_the_kept_part_has_its_colors(shape):
    colorful = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    kept = np.zeros(shape, bool)
    kept[: shape[0] // 2] = True
    shown = outlined(colorful, kept)
    assert (shown[:32] == colorful[:32]).all()
    assert (np.ptp(shown[32:].astype(int), axis=2) == 0).all()
