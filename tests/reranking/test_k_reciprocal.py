"""k-reciprocal re-ranking against its dense reference, from distances and from embeddings."""

import numpy as np
import pytest
from dense_twins import (
    clustered,
    euclidean,
    k_reciprocal,
    k_reciprocal_of_all,
)

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.reranking import KReciprocal
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, SetJaccard


def distances(seed, queries, gallery, coarse=False, duplicates=False):
    rng = np.random.default_rng(seed)
    query, rows = clustered(rng, queries, 4, 6), clustered(rng, gallery, 4, 6)
    if duplicates:
        rows[1::2] = rows[::2][: len(rows[1::2])]
        query[0] = rows[0]
    found = euclidean(query, rows), euclidean(query, query), euclidean(rows, rows)
    return [np.round(d * 8) / 8 for d in found] if coarse else list(found)


@pytest.mark.parametrize("k2", [1, 4])
@pytest.mark.parametrize(("coarse", "duplicates"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(("queries", "gallery"), [(6, 30), (1, 1), (1, 40), (9, 2)])
def test_sparse_form_equals_the_dense_reference(queries, gallery, coarse, duplicates, k2):
    given = distances(queries + gallery, queries, gallery, coarse, duplicates)
    fast = KReciprocal(k1=5, k2=k2, weight=0.3).rerank(*given)
    np.testing.assert_allclose(-fast, k_reciprocal(*given, 5, k2, 0.3), atol=2e-6)


def test_published_parameters_and_lists_of_k():
    given = distances(0, 10, 80)
    assert (KReciprocal().k1, KReciprocal().k2, KReciprocal().weight) == (20, 6, 0.3)
    np.testing.assert_allclose(-KReciprocal().rerank(*given), k_reciprocal(*given, 20, 6, 0.3), atol=2e-6)
    lists_of_k = KReciprocal(k_plus_self=False).rerank(*given)
    np.testing.assert_allclose(-lists_of_k, k_reciprocal(*given, 20, 6, 0.3, extra=0), atol=2e-6)


def test_weight_one_is_the_squared_normalized_distance():
    given = distances(1, 5, 20)
    farthest = np.concatenate([given[1], given[0]], 1).max(1, keepdims=True)
    np.testing.assert_allclose(
        -KReciprocal(k1=5, weight=1).rerank(*given), (given[0] / farthest) ** 2, atol=1e-6
    )


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean(), MaskedCosine(), SetJaccard()])
def test_blocks_of_embeddings_equal_whole_matrices(similarity, monkeypatch):
    monkeypatch.setattr("glimpse.reranking.neighbors.BLOCK", 13)
    rng = np.random.default_rng(2)
    query, gallery = (
        Embeddings(np.abs(clustered(rng, rows, 6, 7)), rng.uniform(0.1, 1, (rows, 6))) for rows in (15, 50)
    )
    both = Embeddings(
        np.concatenate([query.vectors, gallery.vectors]), np.concatenate([query.masks, gallery.masks])
    )
    whole = similarity.distances(similarity.pairwise(both, both))
    np.fill_diagonal(whole, 0)
    found = KReciprocal(k1=6, k2=3).scores(query, gallery, similarity)
    np.testing.assert_allclose(-found, k_reciprocal_of_all(whole, 15, 6, 3, 0.3), atol=2e-5)


@pytest.mark.parametrize(("queries", "gallery"), [(0, 4), (4, 0)])
def test_nothing_asked_or_nothing_there(queries, gallery):
    query, rows = Embeddings(np.eye(4)[:queries]), Embeddings(np.eye(4)[:gallery])
    assert KReciprocal().scores(query, rows, Cosine()).shape == (queries, gallery)


def test_identical_images_have_a_score():
    same = Embeddings(np.ones((30, 3), np.float32))
    scores = KReciprocal(k1=3).scores(same[:2], same, Cosine())
    assert np.isfinite(scores).all()


def test_impossible_input_is_refused():
    with pytest.raises(ShapeError, match=r"distances must be \[2, 2\], got \[2, 3\]"):
        KReciprocal().rerank(np.ones((2, 4)), np.ones((2, 3)), np.ones((4, 4)))
    with pytest.raises(OptionError, match=r"weight in \[0, 1\]"):
        KReciprocal(weight=1.5)
