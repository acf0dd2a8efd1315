import numpy as np
import pytest

from benchmarks.occluded.knowing import stripe_knowledge, whole_knowledge


def test_a_mask_that_drops_what_is_hidden_knows():
    random = np.random.default_rng(0)
    visible = random.uniform(0.2, 1.0, 60)
    order = random.random(16)
    masks = (visible[:, None] > order).astype(np.float32)
    found = whole_knowledge(masks, visible)
    assert found["dropped"] > 0.95
    assert found["narrowed"] > 0.95
    assert found["variation"]["own"] > 0.5
    assert found["mean"]["occluded"] < found["mean"]["whole"]


def test_a_static_mask_knows_nothing_and_varies_over_nothing():
    masks = np.tile(np.array([[0.2, 0.9, 0.5]], np.float32), (6, 1))
    found = whole_knowledge(masks, np.linspace(0.3, 1, 6))
    assert found["dropped"] is None
    assert found["narrowed"] is None
    assert found["variation"]["own"] == 0
    assert found["entropy"]["whole"] == pytest.approx(found["entropy"]["occluded"])


def test_where_no_image_is_whole_nothing_is_said_of_whole_ones():
    found = whole_knowledge(np.full((3, 2), 0.5, np.float32), np.array([0.3, 0.5, 0.6]))
    assert found["entropy"] == {"whole": None, "occluded": 1.0}


def test_stripes_are_compared_over_images_and_within_each():
    hidden = np.array([[0.0, 0.5, 1.0], [0.2, np.nan, 0.9], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    trust = 1 - np.nan_to_num(hidden, nan=0.77)
    found = stripe_knowledge(trust, hidden)
    assert found["each"] == pytest.approx([1.0, 1.0, 1.0])
    assert found["pooled"] == pytest.approx(1.0)
    assert found["within"] == pytest.approx(1.0)


def test_a_mask_that_only_tells_occluded_images_knows_no_stripe_within():
    random = np.random.default_rng(0)
    hidden = np.zeros((40, 4))
    hidden[np.arange(20), random.integers(0, 4, 20)] = 1.0
    trust = np.tile(np.where(hidden.any(1), 0.2, 0.9)[:, None], (1, 4))
    found = stripe_knowledge(trust, hidden)
    assert found["pooled"] > 0.3
    assert found["within"] is None
