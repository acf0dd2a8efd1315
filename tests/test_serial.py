"""Dataclasses come back from JSON and text as they were, and whatever does not fit is said."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import OptionError
from glimpse.serial import (
    WrongKeysError,
    WrongValueError,
    from_plain,
    from_text,
    to_plain,
    to_text,
    typed,
    words_of,
)


class Shade(StrEnum):
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True)
class Inner:
    count: int = 1
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    shade: Shade = Shade.DARK
    size: tuple[int, int] = (2, 3)
    steps: tuple[float, ...] = ()
    limit: float | None = None
    folder: Path = Path("a")
    on: bool = False
    inner: Inner = field(default_factory=Inner)


OUTERS = st.builds(
    Outer,
    name=st.text(),
    shade=st.sampled_from(Shade),
    size=st.tuples(st.integers(), st.integers()),
    steps=st.lists(st.floats(allow_nan=False)).map(tuple),
    limit=st.none() | st.floats(allow_nan=False),
    folder=st.sampled_from([Path("a/b"), Path("c.d")]),
    on=st.booleans(),
    inner=st.builds(Inner, count=st.integers(), share=st.floats(allow_nan=False)),
)


@given(OUTERS)
def test_what_is_plain_comes_back(outer):
    assert from_plain(Outer, json.loads(json.dumps(to_plain(outer))), complete=True) == outer


@pytest.mark.parametrize(
    ("change", "key", "missing"),
    [({"colour": 1}, "colour", False), ({"name": None}, "name", True), ({"inner": {"x": 1}}, "x", False)],
)
def test_wrong_keys_are_named(change, key, missing):
    values = to_plain(Outer("n")) | change
    if missing:
        del values["name"]
    with pytest.raises(WrongKeysError) as wrong:
        from_plain(Outer, values)
    assert (wrong.value.key, wrong.value.missing) == (key, missing)


def test_fields_with_defaults_may_be_missing_unless_all_must_be_there():
    assert from_plain(Outer, {"name": "n"}) == Outer("n")
    with pytest.raises(WrongKeysError, match="Outer lacks shade"):
        from_plain(Outer, {"name": "n"}, complete=True)


@pytest.mark.parametrize(
    ("value", "hint", "sentence"),
    [
        ("1", int, "k must be of type int, got '1'"),
        (True, int, "k must be of type int, got True"),
        (1, bool, "k must be of type bool, got 1"),
        (None, float, "k must be of type float, got None"),
        ("grey", Shade, "k must be one of dark, light, got 'grey'"),
        ([1], tuple[int, int], r"k must be a list of 2 values, got \[1\]"),
        (3, tuple[int, ...], "k must be a list of int, ..., got 3"),
        ("x", float | None, "k must be float or none, got 'x'"),
        ([], Inner, "k must be an object"),
    ],
)
def test_wrong_values_are_named_with_what_is_allowed(value, hint, sentence):
    with pytest.raises(WrongValueError, match=sentence):
        typed("k", value, hint)


def test_a_whole_number_will_do_for_a_float():
    assert typed("k", 3, float) == 3.0
    assert type(typed("k", 3, float)) is float


def test_what_is_not_plain_is_read_by_the_caller():
    def convert(name, value, hint):
        return value.upper() if hint is str else NotImplemented

    assert from_plain(Outer, {"name": "n", "on": True}, convert=convert) == Outer("N", on=True)


@pytest.mark.parametrize("value", [True, 3, 0.25, "word", Shade.LIGHT, (1, 2), (0.5,), None])
def test_text_comes_back_by_its_type(value):
    hints = {bool: bool, int: int, float: float, str: str, Shade: Shade, type(None): int | None}
    hint = hints.get(type(value)) or (tuple[int, int] if len(value) == 2 else tuple[float, ...])
    assert from_text("k", to_text(value), hint) == value


@pytest.mark.parametrize(
    ("text", "kind"), [("maybe", bool), ("1.5", int), ("x", float), ("grey", Shade), ("1", tuple[int, int])]
)
def test_text_that_does_not_fit_is_one_sentence(text, kind):
    with pytest.raises(OptionError, match="k"):
        from_text("k", text, kind)


def test_types_in_words():
    assert [words_of(kind) for kind in (int, Shade, int | None)] == ["int", "dark | light", "int or none"]
