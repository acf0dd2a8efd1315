"""The account of an import."""

import json

import pytest

from glimpse.errors import WeightsError
from glimpse.models.weights.report import ImportReport

WHOLE = ImportReport(
    "timm",
    (("norm.weight", "norm.weight"),),
    ("positions 14x14 to 16x8",),
    (("head.weight", "a classifier"), ("head.bias", "a classifier")),
)
PARTIAL = ImportReport("timm", (), missing=("stems.1.conv.weight", "norm.bias"), left_over=("extra.weight",))


def test_a_whole_import_raises_nothing_whatever_was_set_aside():
    WHOLE.check()


def test_every_gap_must_be_named_by_the_start_of_its_name():
    PARTIAL.check(allow_missing=["stems.1.", "norm."], allow_left_over=["extra"])
    with pytest.raises(WeightsError, match=r"missing norm\.bias; left over extra\.weight"):
        PARTIAL.check(allow_missing=["stems.1."])
    with pytest.raises(WeightsError, match=r"missing nothing; left over extra\.weight"):
        PARTIAL.check(allow_missing=["stems", "norm"])


def test_lines_group_what_was_set_aside_by_reason():
    assert WHOLE.lines() == [
        "style: timm",
        "used: 1 tensors",
        "fitted: positions 14x14 to 16x8",
        "set aside: 2 tensors, a classifier",
        "missing: nothing",
        "left over: nothing",
    ]


def test_json_has_every_name():
    held = json.loads(json.dumps(PARTIAL.to_json()))
    assert held["missing"] == ["stems.1.conv.weight", "norm.bias"]
    assert held["left_over"] == ["extra.weight"]
