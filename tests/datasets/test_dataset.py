"""What is asked of a data set by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.market1501 import LAYOUT
from glimpse.errors import OptionError
from glimpse.protocols import single_query
from glimpse.records import Records

ROWS = Records.from_columns(["a", "b"], [1, 1], camera=[1, 2])
TEST, VAL = (single_query(ROWS[:1], ROWS[1:], name=name) for name in ("test", "val"))
DATASET = Dataset(LAYOUT, Path("root"), ROWS, {"test": TEST, "val": VAL})


def test_the_first_protocol_is_meant_when_none_is_named():
    assert DATASET.protocol() is TEST
    assert DATASET.protocol("val") is VAL


def test_an_unknown_protocol_is_named_with_those_there_are():
    with pytest.raises(OptionError, match="market1501 has no protocol 'tset'; there are test, val"):
        DATASET.protocol("tset")


def test_models_are_chosen_by_a_protocol_or_by_rows_or_by_nothing():
    assert replace(DATASET, selection="val").model_selection is VAL
    assert replace(DATASET, validation=ROWS).model_selection is ROWS
    assert len(DATASET.model_selection) == 0
