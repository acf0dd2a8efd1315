"""Ranks of right answers against a sort per query."""

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.errors import ShapeError
from glimpse.evaluation.ranking import offsets_of, queries_of, rank_protocol
from glimpse.evaluation.sources import Block, MatrixSource
from glimpse.evaluation.trial_index import index_trial
from glimpse.protocols import Cmc


def by_sorting(scores, comparison):
    """For each query that has one, the ranks of its right answers among what counts."""
    found = {}
    for row, person, key in zip(
        comparison.query_rows, comparison.query_person, comparison.query_key, strict=True
    ):
        counted = comparison.gallery_key != key
        columns = comparison.gallery_rows[counted]
        order = np.argsort(-scores[row, columns], kind="stable")
        right = comparison.gallery_person[counted][order] == person
        if person >= 0 and right.any():
            found[int(row)] = (np.flatnonzero(right) + 1).tolist()
    return found


@pytest.mark.parametrize("trials", [1, 3])
def test_ranks_are_those_of_a_sort_in_every_trial(rng, trials):
    protocol = cases.protocol(rng, trials=trials)
    scores = cases.scores(rng, protocol)
    for found, trial in zip(rank_protocol(MatrixSource(scores), protocol), protocol.trials, strict=True):
        expected = by_sorting(scores, protocol.comparison(trial))
        assert found.query.tolist() == sorted(expected)
        for i, row in enumerate(found.query.tolist()):
            assert found.ranks[found.offsets[i] : found.offsets[i + 1]].tolist() == expected[row]
        assert found.place.tolist() == [expected[row][0] for row in sorted(expected)]
        assert sorted([*found.query.tolist(), *found.skipped.tolist()]) == sorted(trial.query.tolist())


def test_a_rank_of_identities_is_at_most_that_of_images(rng):
    images, identities = (cases.protocol(np.random.default_rng(0), cmc=cmc) for cmc in Cmc)
    scores = cases.scores(rng, images)
    (one,), (other,) = (rank_protocol(MatrixSource(scores), p) for p in (images, identities))
    assert (other.place <= one.place).all()
    assert (other.place < one.place).any()
    np.testing.assert_array_equal(other.ranks, one.ranks)


def test_a_block_holds_the_queries_of_its_rows(rng):
    protocol = cases.protocol(rng)
    index = index_trial(protocol.comparison(protocol.trials[0]))
    block = Block(3, np.zeros((4, len(protocol.gallery)), np.float32))
    assert index.query_rows[queries_of(block, index)].tolist() == [3, 4, 5, 6]


def test_lists_follow_one_another():
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]


def test_nan_is_named_by_query_and_gallery_row(rng):
    protocol = cases.protocol(rng, rule="none")
    scores = cases.scores(rng, protocol)
    scores[2, 5] = np.nan
    with pytest.raises(ShapeError, match="got nan for query row 2, gallery row 5"):
        rank_protocol(MatrixSource(scores), protocol)
