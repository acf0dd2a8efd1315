"""Whose images a report shows."""

from pathlib import Path

import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.explain import chosen_queries, loose_images
from glimpse.protocols import one_against_rest, single_query
from glimpse.records import JUNK, NO_CAMERA, Records


def generator():
    return np.random.default_rng(5)


def test_queries_are_of_different_persons_first_and_the_first_ones_stay(people):
    protocol = one_against_rest(people)
    eight = chosen_queries(protocol, 8, generator())
    assert sorted(eight.person[:4].tolist()) == sorted(eight.person[4:].tolist()) == [0, 1, 2, 3]
    assert len(set(eight.path.tolist())) == 8
    assert chosen_queries(protocol, 3, generator()).path.tolist() == eight.path[:3].tolist()
    assert len(chosen_queries(protocol, 99, generator())) == 16


def test_queries_without_a_right_answer_are_not_shown(people):
    first = np.arange(len(people)) % 4 == 0
    protocol = single_query(people[first], people[~first & (people.person != 2)])
    assert sorted(chosen_queries(protocol, 9, generator()).person.tolist()) == [0, 1, 3]


def test_what_cannot_be_asked_is_said(people):
    first = np.arange(len(people)) % 4 == 0
    with pytest.raises(OptionError, match="at least one query, got 0"):
        chosen_queries(one_against_rest(people), 0, generator())
    nobody = single_query(people[first & (people.person == 1)], people[~first & (people.person == 2)])
    with pytest.raises(OptionError, match="has a right answer"):
        chosen_queries(nobody, 1, generator())
    words = Records.from_columns(["a"], [0], modality="text", caption="in red")
    with pytest.raises(OptionError, match="are sentences"):
        chosen_queries(single_query(words, people), 1, generator())
    with pytest.raises(OptionError, match="no image"):
        loose_images([])


def test_a_loose_image_is_of_nobody_unless_it_is_a_query(people, protocol, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    query = protocol.query.path[1]
    relative = Path(query).relative_to(tmp_path)
    loose = loose_images([Path("photo.jpg"), relative], protocol)
    assert loose.path.tolist() == ["photo.jpg", query]
    assert loose.person.tolist() == [JUNK, 1]
    assert loose.camera.tolist() == [NO_CAMERA, protocol.query.camera[1]]
    assert loose_images([relative]).person.tolist() == [JUNK]
