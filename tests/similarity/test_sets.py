"""Jaccard against its definition by minima and maxima, golden numbers, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity import SetJaccard


def naive_hard(query, gallery):
    scores = np.zeros((len(query), len(gallery)))
    for i, a in enumerate(query.astype(np.float64)):
        for j, b in enumerate(gallery.astype(np.float64)):
            either = np.maximum(a, b).sum()
            scores[i, j] = np.minimum(a, b).sum() / either if either else 0.0
    return scores


def naive_soft(query, gallery, tau):
    """The definition: softmin and softmax over the two samples, per channel."""
    scores = np.zeros((len(query), len(gallery)))
    for i, a in enumerate(query):
        for j, b in enumerate(gallery):
            pair = np.stack([a, b])
            low, high = np.exp(-tau * pair), np.exp(tau * pair)
            both, either = (pair * low / low.sum(0)).sum(), (pair * high / high.sum(0)).sum()
            scores[i, j] = both / either if either else 0.0
    return scores


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 9, 3), (1, 1, 1), (4, 70, 600), (3, 0, 5), (0, 3, 5), (66, 5, 17)])
def test_packed_kernel_equals_the_definition(shape, dtype):
    rng = np.random.default_rng(sum(shape))
    query, gallery = (rng.gamma(0.5, size=(n, shape[2])).astype(dtype) for n in shape[:2])
    if len(query) > 1 and len(gallery):
        gallery[0] = query[1]
    scores = SetJaccard().pairwise(Embeddings(query), Embeddings(gallery))
    np.testing.assert_allclose(scores, naive_hard(query, gallery), atol=1e-6)


def test_spread_out_form_for_gpus_equals_the_packed_kernel(monkeypatch):
    rng = np.random.default_rng(0)
    query, gallery = (Embeddings(rng.gamma(0.5, size=(n, 40)).astype(np.float32)) for n in (7, 12))
    packed = SetJaccard().pairwise(query, gallery)
    # a tau beyond every difference is the hard form to float32
    np.testing.assert_allclose(SetJaccard(tau=1e9).pairwise(query, gallery), packed, atol=1e-6)
    monkeypatch.setattr("glimpse.similarity.sets.SPREAD", 1000)
    np.testing.assert_allclose(SetJaccard(tau=1e9).pairwise(query, gallery), packed, atol=1e-6)


@pytest.mark.parametrize("tau", [0.5, 5.0])
def test_soft_closed_form_equals_the_two_softmaxes(tau):
    rng = np.random.default_rng(1)
    query, gallery = rng.gamma(1, size=(4, 6)), rng.gamma(1, size=(5, 6))
    scores = SetJaccard(tau=tau).pairwise(Embeddings(query), Embeddings(gallery))
    np.testing.assert_allclose(scores, naive_soft(query, gallery, tau), atol=1e-6)


@pytest.mark.parametrize(("tau", "expected"), [(None, 0.5), (1, 0.733044), (5, 0.505036), (10, 0.500034)])
def test_golden_jaccard(tau, expected):
    a, b = Embeddings(np.array([[1.0, 0, 2]])), Embeddings(np.array([[0.0, 1, 2]]))
    assert SetJaccard(tau).pairwise(a, b)[0, 0] == pytest.approx(expected, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_jaccard_is_a_symmetric_likeness_in_the_unit_interval(seed, factor):
    rng = np.random.default_rng(seed)
    vectors = rng.gamma(0.3, size=(5, 20)) * (rng.random((5, 20)) > 0.3) * factor
    sets = Embeddings(vectors)
    hard, soft = SetJaccard().pairwise(sets, sets), SetJaccard(tau=2 / factor).pairwise(sets, sets)
    shuffled = Embeddings(vectors[:, rng.permutation(20)].copy())
    for scores in (hard, soft):
        assert scores.min() >= 0
        assert scores.max() <= 1
        np.testing.assert_allclose(scores, scores.T, atol=1e-6)
        np.testing.assert_allclose(np.diag(scores), vectors.any(1), atol=1e-6)
    assert (soft >= hard - 1e-6).all()
    np.testing.assert_allclose(SetJaccard().pairwise(shuffled, shuffled), hard, atol=1e-6)


def test_two_empty_sets_share_nothing():
    nothing = Embeddings(np.zeros((2, 3)))
    for tau in (None, 10):
        assert not SetJaccard(tau).pairwise(nothing, nothing).any()


def test_negative_activations_and_tau_are_refused():
    good, bad = Embeddings(np.ones((3, 2))), Embeddings(np.array([[1.0, 1], [0.5, -0.25]]))
    with pytest.raises(ShapeError, match=r"gallery vectors must be non-negative .* -0.25 in row 1"):
        SetJaccard().top_k(good, bad, 1)
    with pytest.raises(ShapeError, match="query vectors must be non-negative"):
        SetJaccard().pairwise(bad, good)
    with pytest.raises(OptionError, match="tau must be above 0"):
        SetJaccard(tau=0)
