"""Ranks of galleries that take several chunks: ties, gaps, rows that do not count and NaN at any place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.errors import ShapeError
from glimpse.evaluation import evaluate
from glimpse.evaluation.kernels import CHUNK, chunk_columns
from glimpse.protocols import Protocol, Trial, same_person_and_camera, same_sysu_location
from glimpse.records import Records


def long_protocol(rng, length, right, excluded=0, rule=same_person_and_camera, columns=None):
    """Two queries of person 1; so many right answers, and rows of theirs that do not count, among others."""
    person = np.full(length, 2)
    camera = np.full(length, 2)
    place = rng.permutation(length)
    person[place[: right + excluded]] = 1
    camera[place[right : right + excluded]] = 1
    gallery = Records.from_columns([f"g{i}" for i in range(length)], person, camera=camera)
    queries = Records.from_columns(["q0", "q1"], [1, 1], camera=[1, 3])
    trials = () if columns is None else (Trial(np.arange(2), columns),)
    return Protocol("long", queries, gallery, rule, trials=trials)


def expected_ranks(scores, protocol):
    """By sorting, a list for each query."""
    comparison = protocol.comparison(protocol.trials[0])
    ranks = []
    for q, row in enumerate(comparison.query_rows):
        order = np.argsort(-scores[row, comparison.gallery_rows], kind="stable")
        order = order[comparison.gallery_key[order] != comparison.query_key[q]]
        right = comparison.gallery_person[order] == comparison.query_person[q]
        ranks.append((np.flatnonzero(right) + 1).tolist())
    return ranks


def assert_as_sorted(scores, protocol):
    result = evaluate(scores, protocol)
    expected = [ranks for ranks in expected_ranks(scores, protocol) if ranks]
    assert result.rank[:, 0].tolist() == [ranks[0] for ranks in expected]
    precision = [np.mean([(n + 1) / rank for n, rank in enumerate(ranks)]) for ranks in expected]
    np.testing.assert_allclose(result.average_precision, precision, rtol=1e-14)
    assert result.inp.tolist() == [len(ranks) / ranks[-1] for ranks in expected]


def values(rng, length, kind, dtype):
    scores = rng.standard_normal((2, length))
    if kind == "tied":
        scores = np.round(scores)
    elif kind == "constant":
        scores[:] = -np.inf
    elif kind == "infinite":
        scores = np.where(rng.random(scores.shape) < 0.4, -np.inf, np.round(scores))
        scores[rng.random(scores.shape) < 0.1] = np.inf
    elif kind == "zeros":
        scores = np.where(rng.random(scores.shape) < 0.5, -0.0, 0.0)
    return scores.astype(dtype)


KINDS = st.sampled_from(["random", "tied", "constant", "infinite", "zeros"])


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.sampled_from([20, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77]),
    right=st.integers(1, 14),
    excluded=st.integers(0, 6),
    kind=KINDS,
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_long_galleries_rank_as_a_stable_sort_does(seed, length, right, excluded, kind, dtype):
    rng = np.random.default_rng(seed)
    assert_as_sorted(values(rng, length, kind, dtype), long_protocol(rng, length, right, excluded))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, shuffled=st.booleans(), kept=st.floats(0.2, 1.0))
def test_columns_with_gaps_and_in_any_order_rank_as_a_stable_sort_does(seed, kind, shuffled, kept):
    rng = np.random.default_rng(seed)
    length = 4 * CHUNK
    columns = np.flatnonzero((rng.random(length) < kept) | (np.arange(length) < 2 * CHUNK))
    if shuffled:
        columns = rng.permutation(columns)
    protocol = long_protocol(rng, length, 40, 3, columns=columns)
    assert_as_sorted(values(rng, length, kind, np.float32), protocol)


@pytest.mark.parametrize("kind", ["random", "tied", "constant"])
def test_more_than_a_chunk_of_rows_may_not_count(rng, kind):
    length = 4 * CHUNK
    protocol = long_protocol(rng, length, 30, rule=same_sysu_location)
    camera = np.where(rng.random(length) < 0.6, 2, 4)
    protocol = Protocol(
        "sysu", protocol.query, protocol.gallery.with_columns(camera=camera), same_sysu_location
    )
    assert np.count_nonzero(camera == 2) > CHUNK
    assert_as_sorted(values(rng, length, kind, np.float32), protocol)


@pytest.mark.parametrize("place", [0, CHUNK - 1, CHUNK, 2 * CHUNK + 5, 3 * CHUNK - 1])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_first_nan_is_named_wherever_it_stands(rng, place, gaps):
    length = 3 * CHUNK
    columns = np.arange(length)[:: -1 if gaps else 1]
    protocol = long_protocol(rng, length, 5, 5, columns=columns)
    scores = values(rng, length, "random", np.float32)
    scores[1, columns[place:]] = np.nan
    with pytest.raises(ShapeError, match=f"got nan for query row 1, gallery row {columns[place]}$"):
        evaluate(scores, protocol)


def test_nan_is_refused_in_a_row_that_does_not_count(rng):
    protocol = long_protocol(rng, 50, 5, 5)
    scores = values(rng, 50, "random", np.float32)
    gallery = protocol.gallery
    gone = int(np.flatnonzero((gallery.person == 1) & (gallery.camera == 1))[0])
    scores[0, gone] = np.nan
    with pytest.raises(ShapeError, match=f"got nan for query row 0, gallery row {gone}$"):
        evaluate(scores, protocol)


def test_nan_in_columns_that_no_trial_searches_does_not_matter(rng):
    length = 2 * CHUNK
    protocol = long_protocol(rng, length, 5, columns=np.arange(10, length - 10))
    scores = values(rng, length, "random", np.float32)
    scores[:, :10] = scores[:, -10:] = np.nan
    assert_as_sorted(scores, protocol)


def test_chunks_without_gaps_know_their_column():
    columns = np.concatenate([np.arange(5, 5 + CHUNK), np.arange(9000, 9000 + CHUNK), [1, 2, 4]])
    assert chunk_columns(columns).tolist() == [5, 9000, -1]
    columns[CHUNK // 2] = 0
    assert chunk_columns(columns[: 2 * CHUNK + 2]).tolist() == [-1, 9000, 1]
    assert chunk_columns(columns[:0]).tolist() == []
    assert chunk_columns(np.array([7])).tolist() == [7]
    assert chunk_columns(np.array([7, 6])).tolist() == [-1]
