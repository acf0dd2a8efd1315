"""Columns are checked when a table is made."""

import numpy as np
import pytest

from glimpse.errors import RecordsError
from glimpse.records import DISTRACTOR, JUNK, NO_CAMERA, Records


def table(rows=4):
    return Records.from_columns(
        [f"{i}.jpg" for i in range(rows)],
        [7, 3, JUNK, DISTRACTOR][:rows],
        camera=[1, 2, 1, NO_CAMERA][:rows],
        time=[0.5, np.nan, 2.0, 3.0][:rows],
        extra={"parts": np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)},
    )


def test_columns_cannot_be_written_through():
    records = table()
    for values in (records.person, records.path, records.extra["parts"], records[:2].camera):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0
    with pytest.raises(TypeError):
        records.extra["new"] = np.zeros(4)


def test_the_given_arrays_stay_writable():
    person = np.array([1, 2])
    Records.from_columns(["a", "b"], person)
    person[0] = 5
    assert person[0] == 5


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["a", "b"], "person": [1]}, "column person has 1 rows, expected 2"),
        ({"path": ["a", "a"], "person": [1, 2]}, "row 1, column path: 'a' is already in row 0"),
        ({"path": ["a", 3], "person": [1, 2]}, "row 1, column path: expected text, got 3"),
        ({"path": ["a", "b"], "person": [1, -3]}, "row 1, column person: -3 is negative"),
        ({"path": ["a"], "person": [1.5]}, "row 0, column person: expected a whole number, got .*1.5"),
        ({"path": ["a"], "person": [True]}, "row 0, column person: expected a whole number"),
        ({"path": ["a"], "person": ["7"]}, "row 0, column person: expected a whole number"),
        ({"path": ["a"], "person": [[1]]}, "column person must be one-dimensional"),
        ({"path": [["a"]], "person": [1]}, "column path must be one-dimensional"),
        ({"path": ["a"], "person": [1], "camera": [-2]}, "row 0, column camera: -2 is negative"),
        ({"path": ["a"], "person": [1], "modality": ["xray"]}, "row 0, column modality: expected 'rgb'"),
        ({"path": ["a"], "person": [1], "kind": ["half"]}, "row 0, column kind: expected ''"),
        ({"path": ["a"], "person": [1], "modality": ["text"]}, "row 0, column caption: a text row needs"),
        ({"path": ["a"], "person": [1], "time": ["noon"]}, "column time: expected numbers"),
        ({"path": ["a"], "person": [1], "time": [np.inf]}, "row 0, column time: expected a finite number"),
        ({"path": ["a"], "person": [1], "extra": {"camera": [1]}}, "column camera is a core column"),
        ({"path": ["a"], "person": [1], "extra": {"a:b": [1]}}, "cannot be empty nor hold a colon"),
        (
            {"path": ["a"], "person": [1], "extra": {"z": [1j]}},
            "column z: expected numbers, booleans or text",
        ),
        ({"path": ["a"], "person": [1], "extra": {"z": [1, 2]}}, "column z has 2 rows, expected 1"),
    ],
)
def test_a_malformed_table_is_refused_with_row_and_column(columns, message):
    with pytest.raises(RecordsError, match=message):
        Records.from_columns(**columns)


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(RecordsError, match="row 1, column person: 18446744073709551615 is more than"):
        Records.from_columns(["a", "b"], np.array([1, 2**64 - 1], np.uint64))
    with pytest.raises(RecordsError, match="row 0, column camera"):
        Records.from_columns(["a"], [1], camera=np.array([2**63], np.uint64))
    assert Records.from_columns(["a"], np.array([2**63 - 1], np.uint64)).person[0] == 2**63 - 1
