import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import ShapeError
from glimpse.evaluation.masks import binary_entropy, mask_variation, spread_entropy

SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


def naive_bits(share):
    return -share * math.log2(share) if share > 0 else 0.0


@given(st.lists(st.lists(SHARES, min_size=3, max_size=3), min_size=1, max_size=6))
def test_entropies_are_the_sums_of_their_definitions(rows):
    masks = np.array(rows)
    for row, bits, evenness in zip(rows, binary_entropy(masks), spread_entropy(masks), strict=True):
        assert bits == pytest.approx(sum(naive_bits(m) + naive_bits(1 - m) for m in row) / 3)
        total = sum(row)
        wanted = sum(naive_bits(m / total) for m in row) / math.log2(3) if total else 0.0
        assert evenness == pytest.approx(wanted)


def test_a_larger_mask_of_the_same_proportions_is_as_evenly_spread():
    masks = np.random.default_rng(0).random((4, 8)).astype(np.float32)
    np.testing.assert_allclose(spread_entropy(masks / 2), spread_entropy(masks), rtol=1e-6)


@given(st.lists(st.lists(SHARES, min_size=2, max_size=2), min_size=1, max_size=6))
def test_the_variances_add_up_to_that_of_all_values(rows):
    masks = np.array(rows)
    found = mask_variation(masks)
    assert found.over_images**2 + found.over_dimensions**2 == pytest.approx(masks.var())
    assert 0 <= found.own <= 1
    assert found.mean == pytest.approx(masks.mean())


def test_nothing_of_a_static_mask_is_the_images_own():
    mask = np.random.default_rng(1).random(64).astype(np.float32)
    found = mask_variation(np.tile(mask, (100, 1)))
    assert found.own == 0
    assert found.over_dimensions > 0.1
    # nor of one that never changes at all
    assert mask_variation(np.full((5, 4), 0.5, np.float32)).own == 0


@pytest.mark.parametrize("function", [binary_entropy, spread_entropy, mask_variation])
@pytest.mark.parametrize(
    "masks", [np.zeros(3), np.full((2, 3), 1.5), np.full((2, 3), -0.1), np.full((1, 2), np.nan)]
)
def test_what_is_no_table_of_masks_is_refused(function, masks):
    with pytest.raises(ShapeError):
        function(masks)


def test_no_masks_and_one_dimension_are_refused_where_they_say_nothing():
    with pytest.raises(ShapeError):
        mask_variation(np.zeros((0, 3)))
    with pytest.raises(ShapeError):
        spread_entropy(np.zeros((2, 1)))
    assert binary_entropy(np.zeros((0, 3))).shape == (0,)
