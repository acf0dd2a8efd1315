"""Cosine and Euclidean against the loops that define them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity import Cosine, Euclidean


def naive_cosine(query, gallery):
    scores = np.zeros((len(query), len(gallery)))
    for i, q in enumerate(query):
        for j, g in enumerate(gallery):
            length = np.linalg.norm(q) * np.linalg.norm(g)
            scores[i, j] = q @ g / length if length else 0.0
    return scores


def naive_euclidean(query, gallery):
    return -np.array([[np.linalg.norm(q - g) for g in gallery] for q in query])


CASES = [(Cosine(), naive_cosine), (Euclidean(), naive_euclidean)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("similarity", "naive"), CASES)
@pytest.mark.parametrize(("rows", "columns"), [(5, 7), (1, 1), (1, 200), (3, 0), (0, 3)])
def test_pairwise_equals_the_loop(similarity, naive, rows, columns, dtype):
    rng = np.random.default_rng(rows + columns)
    query, gallery = rng.normal(size=(rows, 6)).astype(dtype), rng.normal(size=(columns, 6)).astype(dtype)
    scores = similarity.pairwise(Embeddings(query), Embeddings(gallery))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, naive(query, gallery).reshape(rows, columns), atol=2e-6)


@pytest.mark.parametrize(("similarity", "naive"), CASES)
def test_zero_vectors_have_a_score(similarity, naive):
    query, gallery = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        similarity.pairwise(Embeddings(query), Embeddings(gallery)), naive(query, gallery), atol=1e-6
    )


def test_a_unit_gallery_needs_no_norms():
    rng = np.random.default_rng(0)
    query, gallery = rng.normal(size=(4, 5)), rng.normal(size=(6, 5))
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    plain = Cosine().pairwise(Embeddings(query), Embeddings(gallery))
    unit = Cosine(unit_gallery=True).pairwise(Embeddings(query), Embeddings(gallery))
    np.testing.assert_allclose(unit, plain, atol=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_cosine_forgets_length_and_is_one_on_itself(seed, factor):
    vectors = np.random.default_rng(seed).normal(size=(4, 5))
    scores = Cosine().pairwise(Embeddings(vectors), Embeddings(vectors * factor))
    np.testing.assert_allclose(np.diag(scores), 1, atol=1e-5)
    np.testing.assert_allclose(scores, scores.T, atol=1e-5)
    assert np.abs(scores).max() <= 1 + 1e-5


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean()])
def test_a_memory_mapped_gallery_is_read_in_tiles(similarity, tmp_path):
    gallery = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = Embeddings(np.load(tmp_path / "gallery.npy", mmap_mode="r"))
    query = Embeddings(gallery[:3])
    np.testing.assert_array_equal(
        similarity.pairwise(query, mapped), similarity.pairwise(query, Embeddings(gallery))
    )


def test_distances_are_those_of_the_unit_vectors():
    rng = np.random.default_rng(2)
    query, gallery = rng.normal(size=(4, 5)), rng.normal(size=(6, 5))
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (query, gallery)]
    similarity = Cosine()
    distances = similarity.distances(similarity.pairwise(Embeddings(query), Embeddings(gallery)))
    np.testing.assert_allclose(distances, -naive_euclidean(*unit), atol=1e-5)
    plain = Euclidean()
    np.testing.assert_allclose(
        plain.distances(plain.pairwise(Embeddings(query), Embeddings(gallery))),
        -naive_euclidean(query, gallery),
        atol=1e-5,
    )


def test_other_dimensions_and_a_negative_k_are_refused():
    query, gallery = Embeddings(np.ones((1, 2))), Embeddings(np.ones((1, 3)))
    with pytest.raises(ShapeError, match="one dimension, got 2 and 3"):
        Cosine().pairwise(query, gallery)
    with pytest.raises(OptionError, match="at least 0, got -1"):
        Cosine().top_k(query, query, -1)
