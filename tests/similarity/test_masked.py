"""The masked cosine against the loop over pairs that defines it, the golden numbers, its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_cases import random_embeddings

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError
from glimpse.similarity import Cosine, MaskedCosine, MaskSide, participation_ratio


def unit(vector):
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def naive_pair(side, q, m, g, n):
    if side is MaskSide.NONE:
        return unit(q) @ unit(g)
    if side is MaskSide.QUERY:
        return unit(q) @ unit(m * unit(g))
    if side is MaskSide.GALLERY:
        return unit(n * unit(q)) @ unit(g)
    if side is MaskSide.SUBSPACE:
        return unit(m * q) @ unit(m * g)
    root = np.sqrt(m * n)
    return unit(root * q) @ unit(root * g)


def naive(side, query, gallery):
    ours = np.ones_like(query.vectors) if query.masks is None else query.masks
    theirs = np.ones_like(gallery.vectors) if gallery.masks is None else gallery.masks
    return np.array(
        [
            [naive_pair(side, q, m, g, n) for g, n in zip(gallery.vectors, theirs, strict=True)]
            for q, m in zip(query.vectors, ours, strict=True)
        ]
    ).reshape(len(query), len(gallery))


@pytest.mark.parametrize("side", MaskSide)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("shape", [(4, 6), (1, 1), (3, 0)])
def test_products_equal_the_loop(side, dtype, masked, shape):
    rng = np.random.default_rng(sum(shape))
    query = random_embeddings(rng, shape[0], 7, masked[0], dtype)
    gallery = random_embeddings(rng, shape[1], 7, masked[1], dtype)
    scores = MaskedCosine(side).pairwise(query, gallery)
    np.testing.assert_allclose(scores, naive(side, query, gallery), atol=2e-6)


Q, G = np.array([[1.0, 2, 2]]), np.array([[2.0, 1, 2], [0, 3, 4]])
M, N = np.array([[0.9, 0.5, 0.1]]), np.array([[0.5, 0.5, 0.5], [0.1, 0.9, 0.9]])


@pytest.mark.parametrize(
    ("side", "mask", "expected"),
    [
        (MaskSide.NONE, M, [0.888889, 0.933333]),
        (MaskSide.QUERY, M, [0.567729, 0.815932]),
        (MaskSide.QUERY, np.array([[1.0, 1, 0]]), [0.596285, 0.666667]),
        (MaskSide.BOTH, M, [0.830399, 0.973080]),
    ],
)
def test_golden_numbers_of_the_masked_cosine(side, mask, expected):
    scores = MaskedCosine(side).pairwise(Embeddings(Q, mask), Embeddings(G, N))
    np.testing.assert_allclose(scores, [expected], atol=1e-6)


def test_golden_participation_ratio():
    assert participation_ratio(M)[0] == pytest.approx(0.700935, abs=1e-6)
    assert participation_ratio(np.zeros((1, 3)))[0] == 0
    with pytest.raises(ShapeError, match=r"\[N, D\], got \[3\]"):
        participation_ratio(np.ones(3))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(MaskSide), st.floats(1e-6, 1))
def test_only_the_proportions_of_a_mask_matter(seed, side, factor):
    rng = np.random.default_rng(seed)
    query, gallery = random_embeddings(rng, 3, 5), random_embeddings(rng, 4, 5)
    scaled = [Embeddings(e.vectors, e.masks * factor) for e in (query, gallery)]
    np.testing.assert_allclose(
        MaskedCosine(side).pairwise(*scaled), MaskedCosine(side).pairwise(query, gallery), atol=2e-5
    )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_side_none_with_any_mask_is_the_cosine(seed):
    rng = np.random.default_rng(seed)
    query, gallery = random_embeddings(rng, 3, 5), random_embeddings(rng, 4, 5)
    np.testing.assert_allclose(
        MaskedCosine(MaskSide.NONE).pairwise(query, gallery), Cosine().pairwise(query, gallery), atol=1e-6
    )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_subspace_cosine_is_highest_at_the_query_itself(seed):
    rng = np.random.default_rng(seed)
    query = random_embeddings(rng, 4, 5)
    gallery = Embeddings(np.concatenate([query.vectors, rng.normal(size=(20, 5))]))
    scores = MaskedCosine(MaskSide.SUBSPACE).pairwise(query, gallery)
    np.testing.assert_allclose(scores[np.arange(4), np.arange(4)], 1, atol=1e-5)
    assert scores.max() <= 1 + 1e-5


@pytest.mark.parametrize("side", MaskSide)
def test_empty_masks_and_zero_vectors_score_zero(side):
    zero_vector = Embeddings(np.zeros((1, 3)), np.ones((1, 3)))
    other = Embeddings(np.ones((2, 3)), np.ones((2, 3)))
    assert not MaskedCosine(side).pairwise(zero_vector, other).any()
    assert not MaskedCosine(side).pairwise(other, zero_vector).any()
    if side is not MaskSide.NONE:
        nothing = Embeddings(np.ones((2, 3)), np.zeros((2, 3)))
        assert not MaskedCosine(side).pairwise(nothing, nothing).any()


def test_binary_mask_keeps_the_query_at_full_length():
    rng = np.random.default_rng(0)
    mask = np.array([[1.0, 1, 0, 0, 1]])
    query, gallery = rng.normal(size=(1, 5)), rng.normal(size=(3, 5))
    kept = gallery * mask
    expected = query @ kept.T / np.linalg.norm(query) / np.linalg.norm(kept, axis=1)
    np.testing.assert_allclose(
        MaskedCosine().pairwise(Embeddings(query, mask), Embeddings(gallery)), expected, atol=1e-6
    )
