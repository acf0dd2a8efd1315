"""Every similarity's top k over tiles, and scores of chosen pairs."""

import numpy as np
import pytest
from similarity_cases import sorted_all

from glimpse.embeddings import Embeddings
from glimpse.similarity import Cosine, Euclidean
from glimpse.similarity.base import Similarity


class FirstNumber(Similarity):
    """Scores the gallery by its own first number: full of ties, whatever the query."""

    device = "cpu"

    def scorer(self, query):
        return lambda gallery: gallery.vectors[:, 0].expand(len(query), -1).contiguous()

    def distances(self, scores):
        return 1 - scores


@pytest.mark.parametrize("k", [1, 7, 300])
def test_top_k_over_many_tiles_breaks_ties_by_row(k, monkeypatch):
    monkeypatch.setattr("glimpse.similarity.base.CPU_TILE", 300)
    monkeypatch.setattr("glimpse.similarity.base.QUERY_BLOCK", 4)
    rng = np.random.default_rng(k)
    gallery = Embeddings(rng.integers(0, 3, (500, 1)).astype(np.float32))
    query = Embeddings(np.zeros((11, 1), np.float32))
    found = FirstNumber().top_k(query, gallery, k)
    expected = sorted_all(FirstNumber().pairwise(query, gallery), k)
    np.testing.assert_array_equal(found.scores, expected[0])
    np.testing.assert_array_equal(found.rows, expected[1])


@pytest.mark.parametrize(("queries", "gallery", "k", "columns"), [(2, 3, 9, 3), (2, 0, 4, 0), (0, 3, 2, 2)])
def test_a_short_gallery_gives_its_length(queries, gallery, k, columns):
    rng = np.random.default_rng(0)
    found = Cosine().top_k(
        Embeddings(rng.normal(size=(queries, 4))), Embeddings(rng.normal(size=(gallery, 4))), k
    )
    assert found.scores.shape == found.rows.shape == (queries, columns)


def test_duplicates_come_in_gallery_order():
    gallery = Embeddings(np.repeat(np.eye(2, dtype=np.float32), 3, axis=0))
    assert Cosine().top_k(gallery[:1], gallery, 4).rows.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "pairs"), [(1, 1), (3, 5), (64, 2048)])
def test_chosen_pairs_have_the_scores_of_all_pairs(similarity, dtype, rows, pairs, monkeypatch):
    monkeypatch.setattr("glimpse.similarity.base.PAIR_ROWS", rows)
    monkeypatch.setattr("glimpse.similarity.base.PAIR_BLOCK", pairs)
    rng = np.random.default_rng(5)
    query, gallery = (Embeddings(rng.normal(size=(count, 4)).astype(dtype)) for count in (9, 20))
    gallery.vectors[3] = 0
    counts = np.array([3, 0, 7, 1, 0, 0, 20, 2, 0])
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = np.concatenate([rng.choice(20, count, replace=False) for count in counts])
    every = similarity.pairwise(query, gallery)
    np.testing.assert_allclose(
        similarity.pairs(query, gallery, starts, columns),
        every[np.repeat(np.arange(9), counts), columns],
        atol=1e-6,
    )
