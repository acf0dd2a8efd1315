import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.evaluation.masks import with_permuted_masks, with_static_mask, without_masks
from glimpse.similarity import Cosine, MaskedCosine


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
