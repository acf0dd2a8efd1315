"""Ranges of numbers, where a type declares them."""

import pytest

from glimpse.errors import OptionError
from glimpse.ranges import Count, Epochs, Positive, Range, Share, ShareBelowOne, check, in_words, parts

NAN = float("nan")


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        (Range(0, 1), (0, 0.5, 1), (-0.1, 1.1, NAN)),
        (Range(0, 1, above=True), (1e-9, 1), (0, NAN)),
        (Range(0, 1, below=True), (0, 0.999), (1, NAN)),
        (Range(1, 10), (1, 10), (0, 11, float("inf"))),
    ],
)
def test_ends_are_inside_unless_left_out_and_nan_is_nowhere(limits, inside, outside):
    assert all(value in limits for value in inside)
    assert not any(value in limits for value in outside)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, Share | None),
        (0.5, Share | None),
        ((0.1, 1.0), tuple[Share, Share]),
        ((), tuple[Count, ...]),
        (-7, int),
    ],
)
def test_values_in_their_range_pass_and_plain_types_have_none(value, hint):
    check("x", value, hint)  # raises otherwise, as the next test shows


@pytest.mark.parametrize(
    ("value", "hint", "sentence"),
    [
        (2, Share, "x must be from 0 to 1, got 2"),
        (1.0, ShareBelowOne, "x must be from 0 to 1, 1 excluded, got 1.0"),
        (0, Positive | None, "x must be above 0, at most 1,000, got 0"),
        ((0.5, NAN), tuple[Share, Share], "x must be from 0 to 1, got nan"),
        ((1, 2, 0), tuple[Count, ...], "x must be from 1 to 100,000, got 0"),
    ],
)
def test_values_outside_are_refused_in_one_sentence(value, hint, sentence):
    with pytest.raises(OptionError) as caught:
        check("x", value, hint)
    assert str(caught.value) == sentence


def test_a_type_is_told_apart_from_its_range():
    assert parts(Epochs) == (int, Range(1, 100_000))
    assert parts(int) == (int, None)
    assert in_words(tuple[Share, Epochs]) == "from 0 to 1; from 1 to 100,000"
