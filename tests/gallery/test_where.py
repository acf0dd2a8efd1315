"""Conditions: what they take, what they mean, what a log may hold of them."""

import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.gallery.store import pa
from glimpse.gallery.where import Where


def test_all_conditions_must_hold_and_unknown_times_meet_none():
    table = pa.table({"camera": [1, 1, 2, 2], "time": pa.array([1.0, None, 3.0, 5.0])})
    assert Where().mask(table).tolist() == [True] * 4
    assert Where(camera=(2,)).mask(table).tolist() == [False, False, True, True]
    assert Where(after=1.0).mask(table).tolist() == [True, False, True, True]
    assert Where(before=5.0).mask(table).tolist() == [True, False, True, False]
    assert Where(camera=2, before=4).mask(table).tolist() == [False, False, True, False]
    assert Where(camera=[]).mask(table).tolist() == [False] * 4


def test_numbers_of_numpy_are_numbers():
    assert Where(person=np.int64(3)).conditions == {"person": (3,)}
    assert Where(camera=[np.int64(1), 2]).conditions == {"camera": (1, 2)}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"person": "seven"}, "person takes numbers, got 'seven'"),
        ({"camera": True}, "camera takes numbers, got True"),
        ({"track": 7}, "track takes texts, got 7"),
        ({"kind": "half"}, "kind is one of"),
        ({"modality": "text"}, "modality is one of"),
        ({"after": float("nan")}, "after takes a number, got nan"),
        ({"before": True}, "before takes a number"),
    ],
)
def test_what_a_condition_cannot_take_is_told(values, sentence):
    with pytest.raises(OptionError, match=sentence):
        Where(**values)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("person", "key=value, got 'person'"),
        ("camera=x", "camera must be a whole number"),
        ("a=1", "no condition"),
    ],
)
def test_what_a_command_cannot_read_is_told(text, sentence):
    with pytest.raises(OptionError, match=sentence):
        Where.parse([text])


def test_paths_may_hold_commas_and_equal_signs():
    assert Where.parse(["path=a,b=c.jpg", "path=d.jpg"]).conditions == {"path": ("a,b=c.jpg", "d.jpg")}


def test_a_log_does_not_tell_who_was_meant():
    told = Where(person=7, track="jane", path="jane.jpg", id="ab", source="home", camera=2, after=1).told
    assert told == {
        **dict.fromkeys(("person", "track", "path", "id", "source"), "1 value"),
        "camera": [2],
        "after": 1,
    }
