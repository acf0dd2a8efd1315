"""SIM: the golden numbers, the dense twin, what must not change the result."""

from dataclasses import replace

import numpy as np
import pytest
from dense_twins import clustered, euclidean, shortest_paths, similarity_inference
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.reranking import Mode, Norm, SimilarityInference, Steps
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, SetJaccard

GOLDEN_QUERY = np.array([[0.9, 0.5, 0.8, 0.7]])
GOLDEN_GALLERY = np.array([[0, 0.2, 0.6, 0.9], [0.2, 0, 0.5, 0.8], [0.6, 0.5, 0, 0.3], [0.9, 0.8, 0.3, 0]])
SMALL = SimilarityInference(weight=0.05, paths=3, neighbors=6, k_query=4, k_gallery=5)


@pytest.mark.parametrize(
    ("mode", "neighbors", "expected"),
    [
        (Mode.SIMULTANEOUS, 3, [0.69, 0.675, 0.64, 0.64]),
        (Mode.RELEASED, 3, [0.69, 0.605, 0.6925, 0.6925]),
        (Mode.SIMULTANEOUS, 4, [0.655, 0.64, 0.64, 0.64]),
    ],
)
def test_golden_graph_reasoning(mode, neighbors, expected):
    sim = SimilarityInference(weight=0.1, paths=2, neighbors=neighbors, mode=mode, steps=Steps.GRAPH)
    scores = sim.rerank(GOLDEN_QUERY, sim.prepare_distances(GOLDEN_GALLERY))
    np.testing.assert_allclose(scores, -np.array([expected]), atol=1e-6)


def distances(seed, queries=7, gallery=40, duplicates=False):
    rng = np.random.default_rng(seed)
    rows = clustered(rng, gallery, 5, 8)
    if duplicates:
        rows[gallery // 2 :] = rows[: gallery - gallery // 2]
    return euclidean(clustered(rng, queries, 5, 8), rows), euclidean(rows, rows)


@pytest.mark.parametrize("norm", Norm)
@pytest.mark.parametrize("plus_self", [True, False])
@pytest.mark.parametrize("gallery", [1, 2, 5, 33, 64])
def test_sparse_inference_equals_the_dense_twin(norm, plus_self, gallery):
    to_gallery, within = distances(gallery, gallery=gallery)
    sim = replace(SMALL, norm=norm, k_plus_self=plus_self)
    scores = sim.rerank(to_gallery, sim.prepare_distances(within))
    np.testing.assert_allclose(-scores, similarity_inference(to_gallery, within, sim), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_of_duplicates_go_to_the_smaller_row(dtype):
    to_gallery, within = distances(3, duplicates=True)
    # coarse numbers that float32 holds exactly, so that ties are ties in both
    to_gallery, within = np.round(to_gallery * 4) / 4, np.round(within * 4) / 4
    sim = replace(SMALL, weight=0.25)
    scores = sim.rerank(to_gallery.astype(dtype), sim.prepare_distances(within.astype(dtype)))
    np.testing.assert_allclose(-scores, similarity_inference(to_gallery, within, sim), atol=1e-6)


def test_released_mode_reads_what_it_has_written():
    to_gallery, within = distances(4)
    sim = replace(SMALL, mode=Mode.RELEASED, steps=Steps.GRAPH)
    expected = shortest_paths(to_gallery, within, 0.05, 3, 6, in_place=True)
    np.testing.assert_allclose(-sim.rerank(to_gallery, sim.prepare_distances(within)), expected, atol=1e-6)


def test_mutual_step_alone_reads_the_given_distances():
    to_gallery, within = distances(5)
    sim = replace(SMALL, steps=Steps.MUTUAL)
    # a graph step over one path of length zero changes nothing
    twin = replace(SMALL, paths=1, neighbors=1)
    scores = sim.rerank(to_gallery, sim.prepare_distances(within))
    np.testing.assert_allclose(-scores, similarity_inference(to_gallery, within, twin), atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_one_path_of_full_weight_is_the_input(seed):
    to_gallery, within = distances(seed)
    sim = SimilarityInference(weight=1, paths=1, neighbors=40, steps=Steps.GRAPH)
    np.testing.assert_allclose(-sim.rerank(to_gallery, sim.prepare_distances(within)), to_gallery, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_permuting_the_gallery_permutes_the_scores(seed):
    to_gallery, within = distances(seed)
    order = np.random.default_rng(seed).permutation(40)
    scores = SMALL.rerank(to_gallery, SMALL.prepare_distances(within))
    permuted = SMALL.rerank(to_gallery[:, order], SMALL.prepare_distances(within[np.ix_(order, order)]))
    np.testing.assert_allclose(permuted, scores[:, order], atol=1e-6)


def test_queries_do_not_look_at_each_other():
    to_gallery, within = distances(6)
    side = SMALL.prepare_distances(within)
    together = SMALL.rerank(to_gallery, side)
    one_by_one = np.concatenate([SMALL.rerank(row[None], side) for row in to_gallery])
    np.testing.assert_array_equal(one_by_one, together)
    np.testing.assert_array_equal(SMALL.rerank(np.repeat(to_gallery, 2, 0), side), np.repeat(together, 2, 0))


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean(), MaskedCosine(), SetJaccard()])
def test_any_similarity_gives_what_its_distances_give(similarity, monkeypatch):
    monkeypatch.setattr("glimpse.reranking.neighbors.BLOCK", 11)
    rng = np.random.default_rng(7)
    query, gallery = (
        Embeddings(np.abs(clustered(rng, rows, 6, 5)), rng.uniform(0.1, 1, (rows, 6))) for rows in (5, 37)
    )
    within = similarity.distances(similarity.pairwise(gallery, gallery))
    to_gallery = similarity.distances(similarity.pairwise(query, gallery))
    np.fill_diagonal(within, 0)
    np.testing.assert_allclose(
        SMALL.scores(query, gallery, similarity),
        SMALL.rerank(to_gallery, SMALL.prepare_distances(within)),
        atol=2e-5,
    )


@pytest.mark.parametrize(("queries", "gallery"), [(0, 5), (3, 0), (0, 0)])
def test_nothing_asked_or_nothing_there(queries, gallery):
    query, rows = Embeddings(np.ones((queries, 3))), Embeddings(np.eye(5, 3)[:gallery])
    assert SMALL.scores(query, rows, Cosine()).shape == (queries, gallery)


def test_presets_are_those_of_the_authors_code():
    sysu, regdb = SimilarityInference.sysu(), SimilarityInference.regdb()
    named = [(s.weight, s.paths, s.neighbors, s.k_query, s.k_gallery, s.alpha) for s in (sysu, regdb)]
    assert named == [(0.01, 9, 20, 12, 20, 0.3), (0.1, 5, 20, 9, 20, 0.7)]


def test_inference_helps_where_queries_and_gallery_are_of_two_kinds():
    rng = np.random.default_rng(8)
    centers = rng.normal(size=(12, 16))
    people = np.repeat(np.arange(12), 10)
    gallery = centers[people] + 0.35 * rng.normal(size=(120, 16))
    query = centers[people[::4]] + 1.0 + 1.6 * rng.normal(size=(30, 16))
    plain = Cosine().pairwise(Embeddings(query), Embeddings(gallery))
    better = SimilarityInference.sysu().scores(Embeddings(query), Embeddings(gallery), Cosine())

    def mean_average_precision(scores):
        hits = people[np.argsort(-scores, 1)] == people[::4, None]
        precision = np.cumsum(hits, 1) / np.arange(1, 121)
        return ((precision * hits).sum(1) / hits.sum(1)).mean()

    assert mean_average_precision(better) > mean_average_precision(plain) + 0.05


def test_impossible_input_is_refused():
    side = SMALL.prepare_distances(GOLDEN_GALLERY)
    with pytest.raises(ShapeError, match=r"distances must be \[1, 4\], got \[1, 3\]"):
        SMALL.rerank(np.ones((1, 3)), side)
    with pytest.raises(ShapeError, match=r"at least 0, got -1"):
        SMALL.rerank(-np.ones((1, 4)), side)
    with pytest.raises(ShapeError, match="finite, got nan in row 0"):
        SMALL.rerank(np.full((1, 4), np.nan), side)
    with pytest.raises(OptionError, match="paths must be at least 1, got 0"):
        SimilarityInference(paths=0)
    with pytest.raises(OptionError, match=r"alpha in \[0, 1\]"):
        SimilarityInference(alpha=2)
