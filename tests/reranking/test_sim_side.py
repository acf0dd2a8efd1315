"""A gallery side that is changed equals one that is made anew, whatever the changes were."""

from dataclasses import fields, replace

import numpy as np
import pytest
from dense_twins import clustered
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.reranking import GallerySide, IncrementalSide, Mode, SimilarityInference
from glimpse.reranking import sim_side as module
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, SetJaccard

SMALL = SimilarityInference(weight=0.05, paths=3, neighbors=6, k_query=4, k_gallery=5)
# lists of 3 and no more of use, lists longer than any gallery here, path rows beyond the sets' lists
SHORT = SimilarityInference(paths=1, neighbors=1, k_query=2, k_gallery=1)
EVERY = replace(SMALL, neighbors=10**6)
LONG_PATHS = SimilarityInference(paths=2, neighbors=9, k_query=2, k_gallery=2, k_plus_self=False)


def assert_same(side: GallerySide, other: GallerySide, atol: float = 0):
    for field in fields(GallerySide):
        ours, theirs = getattr(side, field.name), getattr(other, field.name)
        if atol and np.asarray(ours).dtype == np.float32:
            np.testing.assert_allclose(ours, theirs, atol=atol, rtol=0, err_msg=field.name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=field.name)


def made_anew(sim, similarity, rows):
    side = IncrementalSide(sim, similarity)
    side.add(rows)
    return side.side


def exact_rows(rng, count):
    """Vectors of length 2, their cosines multiples of a quarter in any arithmetic: many ties, some twice."""
    rows = np.zeros((count, 7), np.float32)
    for row in rows:
        row[rng.choice(7, 4, replace=False)] = rng.choice([-1, 1], 4)
    return rows


def float_rows(rng, count):
    """Clustered vectors, a third of them repeated."""
    rows = clustered(rng, count, 6, 4).astype(np.float32)
    repeated = rng.random(count) < 1 / 3
    rows[repeated] = rows[rng.integers(0, count, repeated.sum())] if count else rows[repeated]
    return rows


# positive: so many rows are added; negative: so many are removed, all if there are fewer
changes = st.lists(st.one_of(st.integers(1, 25), st.integers(-25, -1), st.just(1)), min_size=1, max_size=8)


def changed(sim, similarity, make, steps, rng, masked=False):
    """A side and the rows that it should have, after each step."""
    side = IncrementalSide(sim, similarity)
    pool = make(rng, 40)
    rows = np.zeros((0, pool.shape[1]), np.float32)
    masks = np.zeros_like(rows)
    trust = rng.choice(np.float32([0.25, 0.5, 1]), pool.shape)
    for step in (1, *steps):
        if step > 0:
            chosen = rng.integers(0, len(pool), step)
            rows, masks = np.concatenate([rows, pool[chosen]]), np.concatenate([masks, trust[chosen]])
            side.add(Embeddings(pool[chosen], trust[chosen] if masked else None))
        else:
            gone = rng.choice(len(rows), min(-step, len(rows)), replace=False)
            rows, masks = np.delete(rows, gone, 0), np.delete(masks, gone, 0)
            side.remove(gone)
        assert len(side) == len(rows)
        yield side, Embeddings(rows, masks if masked else None)


@settings(deadline=None, max_examples=25)
@given(changes, st.integers(0, 2**32 - 1), st.sampled_from([SMALL, SHORT, EVERY, LONG_PATHS]))
def test_it_is_what_prepare_gives_to_the_bit_where_arithmetic_is_exact(steps, seed, sim):
    rng = np.random.default_rng(seed)
    for side, rows in changed(sim, Cosine(), exact_rows, steps, rng):
        assert_same(side.side, sim.prepare(rows, Cosine()))


@settings(deadline=None, max_examples=25)
@given(changes, st.integers(0, 2**32 - 1), st.sampled_from([SMALL, SHORT, EVERY, LONG_PATHS]))
def test_it_is_a_function_of_the_rows_to_the_bit_under_the_cosine(steps, seed, sim):
    rng = np.random.default_rng(seed)
    for side, rows in changed(sim, Cosine(), float_rows, steps, rng):
        np.testing.assert_array_equal(side.embeddings.vectors, rows.vectors)
        assert_same(side.side, made_anew(sim, Cosine(), rows))


@settings(deadline=None, max_examples=15)
@given(changes, st.integers(0, 2**32 - 1))
def test_blocks_do_not_show(steps, seed):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BLOCK", 7)
        patched.setattr(module, "HELD", 64)
        patched.setattr(module, "FARTHEST", 2)
        patched.setattr("glimpse.similarity.base.CPU_TILE", 128)
        for side, rows in changed(SMALL, Cosine(), float_rows, steps, np.random.default_rng(seed)):
            assert_same(side.side, made_anew(SMALL, Cosine(), rows))


@pytest.mark.parametrize("similarity", [Euclidean(), MaskedCosine(), SetJaccard()], ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_any_similarity_gives_what_prepare_gives(similarity, seed):
    def make(rng, count):
        return np.abs(clustered(rng, count, 6, 5)).astype(np.float32)

    rng = np.random.default_rng(seed)
    distinct = iter(rng.permutation(200))
    pool, trust = make(rng, 200), rng.uniform(0.1, 1, (200, 6)).astype(np.float32)
    side, held = IncrementalSide(SMALL, similarity), np.zeros(0, int)
    for step in (3, 30, -10, 1, 1, -1, 40, -30):
        if step > 0:
            new = np.array([next(distinct) for _ in range(step)])
            side.add(Embeddings(pool[new], trust[new]))
            held = np.concatenate([held, new])
        else:
            gone = rng.choice(len(held), -step, replace=False)
            side.remove(gone)
            held = np.delete(held, gone)
        assert_same(side.side, SMALL.prepare(Embeddings(pool[held], trust[held]), similarity), atol=2e-6)


def test_scores_are_those_of_the_re_ranking():
    rng = np.random.default_rng(5)
    rows, query = (Embeddings(clustered(rng, n, 6, 5)) for n in (50, 4))
    side = IncrementalSide(replace(SMALL, mode=Mode.RELEASED), Cosine())
    assert side.scores(query).shape == (4, 0)
    side.add(rows[:30])
    side.add(rows[30:])
    side.remove([0, 7])
    rest = rows[np.setdiff1d(np.arange(50), [0, 7])]
    np.testing.assert_allclose(side.scores(query), side.sim.scores(query, rest, Cosine()), atol=1e-5)


def test_a_side_that_was_taken_is_not_changed_afterwards():
    rng = np.random.default_rng(6)
    side = IncrementalSide(SMALL, Cosine())
    side.add(Embeddings(float_rows(rng, 40)))
    taken = side.side
    kept = GallerySide(*(np.copy(getattr(taken, f.name)) for f in fields(GallerySide)))
    side.remove(np.arange(0, 40, 2))
    side.add(Embeddings(float_rows(rng, 9)))
    assert_same(taken, kept)


def test_a_change_searches_and_weighs_few_rows(monkeypatch):
    rng = np.random.default_rng(7)
    side = IncrementalSide(SMALL, Cosine())
    side.add(Embeddings(clustered(rng, 600, 8, 60).astype(np.float32)))
    searched, weighed = [], []
    search, put = IncrementalSide._search, module._Sets.put
    monkeypatch.setattr(
        IncrementalSide, "_search", lambda s, p, h=None: searched.append(len(p)) or search(s, p, h)
    )
    monkeypatch.setattr(module._Sets, "put", lambda s, p, *r: weighed.append(len(p)) or put(s, p, *r))
    side.remove([300])
    side.add(Embeddings(clustered(rng, 1, 8, 1).astype(np.float32)))
    # the spare neighbors of a list stand in for the one removed: only the new row is searched for
    assert searched == [1]
    assert len(weighed) == 2
    assert max(weighed) < 200


def test_rows_that_lost_more_than_their_spare_neighbors_are_searched_again(monkeypatch):
    rng = np.random.default_rng(8)
    rows = np.concatenate([clustered(rng, 30, 8, 1), clustered(rng, 40, 8, 4)]).astype(np.float32)
    side = IncrementalSide(SMALL, Cosine())
    side.add(Embeddings(rows))
    searched = []
    search = IncrementalSide._search
    monkeypatch.setattr(
        IncrementalSide, "_search", lambda s, p, h=None: searched.append(len(p)) or search(s, p, h)
    )
    side.remove(np.arange(2, 30))
    assert searched
    assert 2 <= searched[0] < 42
    assert_same(side.side, made_anew(SMALL, Cosine(), Embeddings(np.delete(rows, np.arange(2, 30), 0))))


def test_hundreds_of_one_image_are_ordered_by_row():
    rows = np.repeat(float_rows(np.random.default_rng(9), 3), 90, 0)
    side = IncrementalSide(SMALL, Cosine())
    for part in (rows[:50], rows[50:250], rows[250:]):
        side.add(Embeddings(part))
    side.remove([1, 100])
    rest = np.delete(rows, [1, 100], 0)
    assert_same(side.side, made_anew(SMALL, Cosine(), Embeddings(rest)))
    np.testing.assert_array_equal(side.side.near[:, 0], np.arange(6))
    np.testing.assert_array_equal(side.side.near[:, 50], [50, 0, 1, 2, 3, 4])


def test_impossible_changes_are_refused_and_change_nothing():
    side = IncrementalSide(SMALL, Cosine())
    with pytest.raises(OptionError, match="there are 0 rows to remove"):
        side.remove([0])
    side.add(Embeddings(np.eye(3, 5)))
    before = side.side
    with pytest.raises(OptionError, match="there are 3 rows to remove, numbered from 0; got -1"):
        side.remove([-1])
    with pytest.raises(OptionError, match="there are 3 rows to remove, numbered from 0; got 3"):
        side.remove([1, 3])
    with pytest.raises(ShapeError, match="dimension"):
        side.add(Embeddings(np.eye(3, 4)))
    with pytest.raises(ShapeError, match="masks"):
        side.add(Embeddings(np.eye(3, 5), np.ones((3, 5))))
    side.add(Embeddings(np.zeros((0, 5))))
    side.remove([])
    assert side.side is before
