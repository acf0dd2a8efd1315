"""The kept-dimension map: its order, its participation, its image."""

import numpy as np
import pytest

from glimpse.errors import ShapeError
from glimpse.explain.drawing import AGAINST, FOR
from glimpse.explain.masks import draw_masks, kept
from glimpse.similarity import participation_ratio

MASKS = np.random.default_rng(0).random((5, 12)).astype(np.float32)


def test_images_come_by_participation_and_dimensions_by_their_mean_weight():
    ordered = kept(MASKS)
    assert sorted(ordered.rows.tolist()) == list(range(5))
    assert ordered.participation == pytest.approx(participation_ratio(MASKS)[ordered.rows])
    assert (np.diff(ordered.participation) >= 0).all()
    assert (np.diff(ordered.weights.mean(0)) <= 1e-12).all()
    assert ordered.weights.mean(1) == pytest.approx(np.ones(5))
    assert sorted(ordered.columns.tolist()) == list(range(12))


def test_what_is_a_images_own_keeps_the_networks_order():
    ordered = kept(MASKS)
    weights = MASKS / MASKS.mean(1, keepdims=True)
    assert ordered.own == pytest.approx((weights - weights.mean(0))[ordered.rows], abs=1e-6)


def test_only_the_proportions_of_a_mask_matter():
    assert kept(0.25 * MASKS).weights == pytest.approx(kept(MASKS).weights)


def test_a_mask_that_keeps_nothing_is_no_division_by_zero():
    ordered = kept(np.array([[0.0, 0.0], [0.5, 0.5]]))
    assert ordered.participation.tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (4,)])
def test_no_masks_are_no_map(shape):
    with pytest.raises(ShapeError, match="at least one image"):
        kept(np.zeros(shape))


@pytest.mark.parametrize("count", [1, 5, 300])
def test_the_image_shows_what_masks_keep_more_and_less_than_their_mean(count):
    masks = np.full((count, 8), 0.5)
    masks[::2, :4] = 0.1
    sheet = np.asarray(draw_masks(kept(masks), {0: "image 1"})).astype(int)
    warm = (sheet[..., 0] - sheet[..., 2] > 60).any()
    cold = (sheet[..., 2] - sheet[..., 0] > 60).any()
    # a mask alone is its own mean
    assert (warm, cold) == ((False, False) if count == 1 else (True, True))
    assert FOR[0] > FOR[2]
    assert AGAINST[2] > AGAINST[0]
