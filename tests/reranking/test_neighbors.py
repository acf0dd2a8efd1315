"""The nearest neighbors of all points against a sort of the whole matrix of distances."""

import numpy as np
import pytest
from dense_twins import clustered, euclidean

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError
from glimpse.reranking import neighbors
from glimpse.reranking.neighbors import EmbeddedSearch, MatrixSearch
from glimpse.similarity import Euclidean, MaskedCosine


def parts_and_matrix(seed=0, queries=13, gallery=29):
    rng = np.random.default_rng(seed)
    parts = clustered(rng, queries, 4, 5), clustered(rng, gallery, 4, 5)
    points = np.concatenate(parts)
    whole = euclidean(points, points)
    np.fill_diagonal(whole, 0)
    return (
        parts,
        whole,
        [
            [whole[:queries, :queries], whole[:queries, queries:]],
            [whole[queries:, :queries], whole[queries:, queries:]],
        ],
    )


@pytest.mark.parametrize("block", [1, 7, 2048])
def test_both_searches_find_what_a_sort_finds(monkeypatch, block):
    monkeypatch.setattr(neighbors, "BLOCK", block)
    parts, whole, grid = parts_and_matrix()
    expected = np.argsort(whole, axis=1, kind="stable")[:, :5]
    searches = MatrixSearch(grid), EmbeddedSearch([Embeddings(part) for part in parts], Euclidean())
    for search in searches:
        near = search.neighbors(5)
        np.testing.assert_array_equal(near.rows, expected)
        np.testing.assert_allclose(near.distances, np.take_along_axis(whole, expected, 1), atol=1e-3)
        np.testing.assert_allclose(near.farthest, whole.max(1), rtol=1e-4)


def test_a_point_is_its_own_first_neighbor_among_duplicates():
    same = np.zeros((6, 6), np.float32)
    near = MatrixSearch([[same]]).neighbors(3)
    assert near.rows[:, 0].tolist() == list(range(6))
    assert near.rows[5, 1:].tolist() == [0, 1]
    assert not near.distances.any()


@pytest.mark.parametrize("symmetric", [True, False])
def test_chosen_pairs_are_looked_up_or_measured(symmetric):
    parts, whole, grid = parts_and_matrix()
    search = (
        EmbeddedSearch([Embeddings(part) for part in parts], Euclidean()) if symmetric else MatrixSearch(grid)
    )
    near = search.neighbors(3)
    starts = np.arange(len(whole) + 1) * 4
    columns = np.random.default_rng(1).integers(0, len(whole), 4 * len(whole))
    found = search.between(near, starts, columns)
    point = np.repeat(np.arange(len(whole)), 4)
    np.testing.assert_allclose(found, whole[point, columns], atol=1e-3)


def test_tiles_that_are_computed_anyway_are_seen_once():
    _, _, grid = parts_and_matrix()
    seen = np.zeros((2, 2), int)

    def keep(part, rows, other, columns, tile):
        seen[part, other] += tile.numel()

    MatrixSearch(grid).neighbors(2, keep)
    assert seen.tolist() == [[13 * 13, 13 * 29], [29 * 13, 29 * 29]]


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.zeros((2, 3)), r"must be \[2, 2\], got \[2, 3\]"),
        (np.full((2, 2), -1.0), "at least 0, got -1"),
        (np.full((2, 2), np.nan), "finite"),
    ],
)
def test_impossible_distances_are_refused(matrix, sentence):
    with pytest.raises(ShapeError, match=sentence):
        MatrixSearch([[matrix]])


def test_parts_that_the_similarity_cannot_compare_are_refused():
    with pytest.raises(ShapeError):
        EmbeddedSearch([Embeddings(np.ones((2, 3))), Embeddings(np.ones((2, 4)))], MaskedCosine())
