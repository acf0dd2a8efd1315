import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation.masks import (
    MaskWarning,
    binary_entropy,
    mask_measures,
    mask_variation,
    spread_entropy,
    with_permuted_masks,
    with_static_mask,
    without_masks,
)
from glimpse.protocols import single_query
from glimpse.records import Records
from glimpse.similarity import Cosine, MaskedCosine

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


def masked(rows=7):
    random = np.random.default_rng(0)
    return Embeddings(random.normal(size=(rows, 5)), random.random((rows, 5)))


@pytest.mark.parametrize("rows", [2, 3, 50])
def test_everybody_gets_another_ones_mask(rows):
    query = masked(rows)
    for seed in range(5):
        swapped = with_permuted_masks(query, np.random.default_rng(seed))
        assert not (swapped.masks == query.masks).all(1).any()
        np.testing.assert_array_equal(np.sort(swapped.masks, axis=0), np.sort(query.masks, axis=0))
        np.testing.assert_array_equal(swapped.vectors, query.vectors)


def test_masks_cannot_be_exchanged_alone_or_where_there_are_none():
    for query in (masked(1), without_masks(masked())):
        with pytest.raises(OptionError, match="two queries or more"):
            with_permuted_masks(query, np.random.default_rng(0))


def test_without_masks_the_masked_cosine_is_the_plain_one():
    query, gallery = masked(), masked(4)
    np.testing.assert_allclose(
        MaskedCosine().pairwise(without_masks(query), gallery), Cosine().pairwise(query, gallery), atol=1e-6
    )


def test_a_static_mask_is_everybodys():
    query = masked()
    static = with_static_mask(query, query.masks.mean(0))
    assert static.masks.shape == query.masks.shape
    assert len(np.unique(static.masks, axis=0)) == 1


def protocol(persons):
    """A query and a gallery image of each person, by two cameras."""
    both = Records.from_columns(
        [f"{row}.png" for row in range(2 * persons)],
        np.tile(np.arange(persons), 2),
        camera=np.repeat([0, 1], persons),
    )
    return single_query(both[:persons], both[persons:], name="validation")


def test_masks_that_help_are_measured_without_a_word():
    query = Embeddings(np.eye(4), np.full((4, 4), 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = mask_measures(query, query, protocol(4), {"rank1": 1.0, "map": 1.0})
    assert got == {"rank1_plain": 1.0, "map_plain": 1.0, "gap": 0.0, "participation": 1.0}


def test_masks_that_harm_are_told():
    masks = np.full((4, 4), 0.0)
    masks[:, 0] = 1
    query = Embeddings(np.eye(4), masks)
    with pytest.warns(MaskWarning, match=r"cost 40\.0 points of mAP .*participation 0\.25"):
        got = mask_measures(query, query, protocol(4), {"rank1": 0.5, "map": 0.6})
    assert got["gap"] == pytest.approx(-0.4)
    assert got["participation"] == pytest.approx(0.25)


def test_without_masks_there_is_nothing_to_report():
    query = Embeddings(np.eye(4))
    assert mask_measures(query, query, protocol(4), {"rank1": 1.0, "map": 1.0}) == {}
