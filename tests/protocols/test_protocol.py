"""The rules as keys, and the counts of valid queries, against plain loops over every pair."""

import numpy as np
import pytest
from hypothesis import given
from rules_by_pairs import PLAIN_RULES, rows, sides

from glimpse.errors import OptionError
from glimpse.protocols import (
    Protocol,
    Trial,
    Validity,
    nothing,
    same_sysu_location,
    single_query,
)
from glimpse.protocols.protocol import SingleShot
from glimpse.records import DISTRACTOR, JUNK, Records


@pytest.mark.parametrize("rule", PLAIN_RULES)
@given(query=sides, gallery=sides)
def test_valid_queries_are_those_with_a_right_answer_left(rule, query, gallery):
    queries, searched = rows(query), rows(gallery, "g")
    if rule is same_sysu_location:
        queries, searched = (side.with_columns(camera=np.abs(side.camera)) for side in (queries, searched))
    protocol = Protocol("p", queries, searched, rule)
    comparison = protocol.comparison(protocol.trials[0])
    plain = [
        sum(
            bool(q.person == g.person and q.person >= 0 and not PLAIN_RULES[rule](q, g))
            for g in searched
            if g.person != JUNK
        )
        for q in queries
    ]
    assert comparison.matches_per_query().tolist() == plain
    valid = sum(count > 0 for count in plain)
    assert protocol.validity() == (Validity(valid, len(plain) - valid),)


def test_market_leaves_out_junk_and_the_own_camera_but_not_distractors():
    query = rows([(5, 1)])
    gallery = rows([(5, 1), (5, 2), (JUNK, 1), (DISTRACTOR, 1), (6, 1)], "g")
    protocol = single_query(query, gallery)
    comparison = protocol.comparison(protocol.trials[0])
    assert comparison.gallery_rows.tolist() == [0, 1, 3, 4]
    counted = comparison.query_key[0] != comparison.gallery_key
    assert comparison.gallery_rows[counted].tolist() == [1, 3, 4]
    assert comparison.matches_per_query().tolist() == [1]


def test_a_trial_takes_its_own_rows():
    protocol = Protocol(
        "p",
        rows([(1, 1), (2, 1)]),
        rows([(1, 2), (2, 2)], "g"),
        nothing,
        trials=(Trial(np.array([1]), np.array([1])), Trial(np.array([0, 1]), np.array([0]))),
    )
    assert protocol.validity() == (Validity(1, 0), Validity(1, 1))


def test_rows_outside_the_protocol_are_refused():
    with pytest.raises(OptionError, match=r"protocol p, trial 0: gallery rows must lie in 0\.\.0"):
        Protocol(
            "p", rows([(1, 1)]), rows([(1, 2)], "g"), nothing, trials=(Trial(np.array([0]), np.array([1])),)
        )


def test_single_shot_needs_a_repeat():
    with pytest.raises(OptionError, match="at least 1 repeat, got 0"):
        SingleShot(repeats=0)


def test_rows_that_are_left_out_of_the_gallery_leave_every_trial():
    gallery = Records.from_columns(["a", "b", "c", "d"], [1, 2, 3, 4])
    trials = (Trial(np.array([0]), np.array([3, 1])), Trial(np.array([0]), np.array([0, 2, 3])))
    kept = Protocol("test", gallery[:1], gallery, nothing, trials=trials).keeping(
        np.array([True, False, True, True])
    )
    queries = [kept.gallery.path[trial.gallery].tolist() for trial in kept.trials]
    assert queries == [["d"], ["a", "c", "d"]]
