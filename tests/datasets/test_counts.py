"""Counts that differ from those published, or from a rendered tree's card."""

import json

import pytest

from glimpse.datasets import (
    DatasetWarning,
    read,
)
from glimpse.datasets.counts import WORLD_CARD, differences
from glimpse.datasets.layout import Count
from glimpse.errors import LayoutError


def test_other_counts_than_published_are_a_warning_with_both_numbers(plant):
    root = plant("query/1.jpg", "gallery/1.jpg")
    with pytest.warns(DatasetWarning, match="found 1 persons / 1 rows, expected 119 persons / 119 rows"):
        dataset = read("partial_ilids", root)
    assert len(dataset.problems) == 2


def test_a_rendered_tree_is_compared_with_its_own_counts(plant):
    root = plant("query/1.jpg", "gallery/1.jpg")
    card = {"layout": "partial_ilids", "counts": {"test query": [1, 1], "test gallery": [1, 2]}}
    (root / WORLD_CARD).write_text(json.dumps(card))
    with pytest.warns(DatasetWarning, match="test gallery: found 1 persons / 1 rows, expected 1 persons / 2"):
        dataset = read("partial_ilids", root)
    assert dataset.rendered
    assert len(dataset.problems) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"counts": {"test query": 3}}', '{"counts": {"test query": ["a", 1]}}']
)
def test_a_damaged_world_card_is_named(plant, quietly, text):
    root = plant("query/1.jpg", "gallery/1.jpg")
    (root / WORLD_CARD).write_text(text)
    with pytest.raises(LayoutError, match="is not the card of a rendered world"):
        quietly("partial_ilids", root)


def test_differences_pass_over_what_a_source_does_not_say_and_flag_missing_training_rows():
    expected = {"train": Count(2, 4), "test query": Count(None, 3), "extra query": Count(1, 1)}
    assert list(differences({"train": Count(2, 4), "test query": Count(9, 3)}, expected)) == []
    assert list(differences({}, expected)) == ["train: found 0 persons / 0 rows, expected 2 persons / 4 rows"]
