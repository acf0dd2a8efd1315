"""Options as `key=value`, read by the types of a function's keywords."""

from enum import StrEnum
from pathlib import Path

import pytest

from glimpse.errors import OptionError
from glimpse.options import typed_options, typed_pairs


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


def read(
    root,
    *,
    split: int = 0,
    share: float | None = None,
    side: Side = Side.LEFT,
    file: Path = Path(),
    whole: bool = True,
):
    """A reader with an option of each type."""


def test_each_value_is_read_by_its_type():
    given = ["split=3", "share=0.5", "side = right", "file=a/b", "whole=no"]
    assert typed_options(read, given) == {
        "split": 3,
        "share": 0.5,
        "side": Side.RIGHT,
        "file": Path("a/b"),
        "whole": False,
    }
    assert typed_options(read, ["share=none"]) == {"share": None}
    assert typed_options(read, []) == {}


def test_a_dash_stands_for_an_underscore_and_a_value_may_hold_equals_signs():
    def keyed(*, with_name: str = ""): ...

    assert typed_options(keyed, ["with-name=a=b"]) == {"with_name": "a=b"}


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["split"], "the option 'split' has no value: key=value is expected"),
        (["splt=3"], "no option is called 'splt'; did you mean split"),
        (["root=a"], "no option is called 'root'; there are split, share, side, file, whole"),
        (["split=3", "split=4"], "the option split is given twice"),
        (["split=three"], "the option split must be a whole number, got 'three'"),
        (["side=up"], "the option side must be one of left, right, got 'up'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(pairs, sentence):
    with pytest.raises(OptionError, match=sentence):
        typed_options(read, pairs)


def test_a_function_without_keywords_has_no_options():
    with pytest.raises(OptionError, match="no option is called 'a'; there are none"):
        typed_options(lambda root: root, ["a=1"])


def test_errors_call_a_key_as_they_are_told():
    with pytest.raises(OptionError, match="no key is called 'b'; see the list"):
        typed_pairs(["b=1"], {"a": int}, "key", lambda key: "see the list")
