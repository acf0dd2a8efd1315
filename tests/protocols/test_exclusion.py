"""The rules as keys against the same rules by pairs."""

import numpy as np
import pytest
from hypothesis import given
from rules_by_pairs import PLAIN_RULES, rows, sides

from glimpse.protocols import (
    same_image,
    same_person_and_camera,
    same_sysu_location,
)
from glimpse.records import DISTRACTOR


@pytest.mark.parametrize("rule", PLAIN_RULES)
@given(query=sides, gallery=sides)
def test_a_rule_by_keys_equals_the_rule_by_pairs(rule, query, gallery):
    if rule is same_sysu_location:  # every camera of that set is known
        query, gallery = ([(p, abs(c)) for p, c in side] for side in (query, gallery))
    queries, searched = rows(query), rows(gallery, "g" if rule is not same_image else "q")
    query_key, gallery_key = rule(queries, searched)
    by_keys = query_key[:, None] == gallery_key[None, :]
    by_pairs = [[bool(PLAIN_RULES[rule](q, g)) for g in searched] for q in queries]
    assert np.array_equal(by_keys, np.array(by_pairs, bool).reshape(len(query), len(gallery)))


def test_persons_whose_numbers_are_far_apart_keep_keys_of_their_own():
    far = 2**62
    queries = rows([(far, 1), (far, 5), (0, 5), (DISTRACTOR, 1)])
    searched = rows([(far, 5), (far, 1), (1, 0), (0, 5), (far - 1, 1)], "g")
    query_key, gallery_key = same_person_and_camera(queries, searched)
    assert (query_key[:, None] == gallery_key).nonzero()[0].tolist() == [0, 1, 2]
    assert (query_key[:, None] == gallery_key).nonzero()[1].tolist() == [1, 0, 3]
