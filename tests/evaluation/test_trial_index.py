"""A trial's groups against plain loops over its rows."""

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.evaluation.trial_index import ABSENT, index_trial


@pytest.fixture(params=["market", "none"])
def comparison(rng, request):
    protocol = cases.protocol(rng, rule=request.param, trials=2)
    return protocol.comparison(protocol.trials[1])


def test_matches_are_those_that_the_protocol_counts(comparison):
    index = index_trial(comparison)
    order = np.argsort(comparison.query_rows, kind="stable")
    assert index.query_rows.tolist() == sorted(comparison.query_rows.tolist())
    np.testing.assert_array_equal(index.matches, comparison.matches_per_query()[order])


def test_groups_hold_every_gallery_row_once_in_order(comparison):
    groups = index_trial(comparison).persons
    assert sorted(groups.rows.tolist()) == list(range(len(comparison.gallery_rows)))
    for group in range(len(groups.label)):
        rows = groups.rows[groups.start[group] : groups.start[group + 1]]
        assert (np.diff(rows) > 0).all()
        assert (groups.of_gallery[rows] == group).all()


def test_strangers_are_nobody_in_particular_and_match_no_query(comparison):
    index = index_trial(comparison)
    strangers = np.flatnonzero(comparison.gallery_person < 0)
    assert len(strangers)
    assert len(set(index.persons.of_gallery[strangers].tolist())) == len(strangers)
    assert not set(index.persons.of_query.tolist()) & set(index.persons.of_gallery[strangers].tolist())


def test_a_query_of_nobody_in_the_gallery_has_no_group(comparison):
    index = index_trial(comparison)
    lacking = ~np.isin(index.query_person, comparison.gallery_person)
    assert ((index.persons.of_query == ABSENT) == lacking).all()


def test_a_given_order_sorts_the_rows_of_each_person(rng):
    protocol = cases.protocol(rng)
    place = rng.permutation(len(protocol.gallery))
    groups = index_trial(protocol.comparison(protocol.trials[0]), place)
    columns = groups.columns
    for group in range(len(groups.persons.label)):
        rows = groups.persons.rows[groups.persons.start[group] : groups.persons.start[group + 1]]
        assert (np.diff(place[columns[rows]]) > 0).all()
