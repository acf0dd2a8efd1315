import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_slices_masks_and_numbers_choose_rows_like_an_array():
    records = table()
    assert records[1:3].path.tolist() == ["1.jpg", "2.jpg"]
    assert records[[3, 0]].person.tolist() == [DISTRACTOR, 7]
    assert records[records.camera == 1].path.tolist() == ["0.jpg", "2.jpg"]
    assert records[-1].path.tolist() == ["3.jpg"]
    assert records[[1, 1]].path.tolist() == ["1.jpg", "1.jpg"]
    assert len(records[[]]) == 0
    assert records[[2, 0]].extra["parts"].tolist() == [[6, 7, 8], [0, 1, 2]]
    assert [row.person.item() for row in records] == [7, 3, -1, -2]


@pytest.mark.parametrize("rows", [4, -5, [0, 4], np.array([True, False]), [0.5], np.zeros((2, 2), int)])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(RecordsError):
        table()[rows]


def test_filter_takes_values_collections_and_a_function():
    records = table()
    assert records.filter(camera=1).path.tolist() == ["0.jpg", "2.jpg"]
    assert records.filter(camera=[1, 2], person={7, 3}).path.tolist() == ["0.jpg", "1.jpg"]
    assert records.filter(modality="rgb").path.tolist() == records.path.tolist()
    assert len(records.filter(path=[])) == 0
    assert records.filter(lambda rows: rows.time > 1).path.tolist() == ["2.jpg", "3.jpg"]
    with pytest.raises(RecordsError, match="no column color; there are path"):
        records.filter(color="red")
    with pytest.raises(RecordsError, match="booleans"):
        records.filter(lambda rows: rows.person)


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


def test_captions_of_one_image_share_its_path_but_images_do_not():
    captions = Records.from_columns(["a", "a"], 1, modality="text", caption=["x", "y"])
    image = Records.from_columns(["a"], 1)
    assert len(Records.concat([image, captions])) == 3
    with pytest.raises(RecordsError, match="row 1, column path"):
        Records.concat([image, image])


def test_rows_of_mappings_say_which_column_is_missing():
    assert len(Records.from_rows([])) == 0
    records = Records.from_rows(
        [{"path": "a", "person": 1, "name": "x"}, {"path": "b", "person": 2, "name": "y"}]
    )
    assert records.extra["name"].tolist() == ["x", "y"]
    with pytest.raises(RecordsError, match="row 1 has no column name"):
        Records.from_rows([{"path": "a", "person": 1, "name": "x"}, {"path": "b", "person": 2}])
    with pytest.raises(RecordsError, match="row 0 has no column person"):
        Records.from_rows([{"path": "a"}])
    with pytest.raises(RecordsError, match="row 1, column age: row 0 has no such column"):
        Records.from_rows([{"path": "a", "person": 1}, {"path": "b", "person": 2, "age": 3}])


def test_concat_keeps_order_and_refuses_other_columns():
    one, two = table(2), Records.from_columns(["x"], 1)
    assert Records.concat([]) == Records.empty()
    assert Records.concat([one[:1], one[1:]]) == one
    assert Records.concat([Records.empty(), one]) == one
    with pytest.raises(RecordsError, match=r"table 1 has the extra columns \[\], expected \['parts'\]"):
        Records.concat([one, two])
    with pytest.raises(RecordsError, match=r"table 1, column parts has rows of shape \(\), expected \(3,\)"):
        Records.concat([one, two.with_columns(parts=1.0)])


def test_columns_are_replaced_added_and_dropped():
    records = table().with_columns(kind="whole", score=0.5)
    assert set(records.kind) == {"whole"}
    assert records.extra["score"].tolist() == [0.5] * 4
    assert set(records.without_columns("score").extra) == {"parts"}
    with pytest.raises(RecordsError, match="no extra column path"):
        records.without_columns("path")


def test_tables_are_equal_by_value_and_unknown_times_agree():
    assert table() == table()
    assert table() != table(3)
    assert table() != table().with_columns(camera=1)
    assert table() != table().without_columns("parts")
    assert table() != "table"


def test_persons_and_cameras_leave_out_the_marks():
    assert table().persons.tolist() == [3, 7]
    assert table().cameras.tolist() == [1, 2]
    assert repr(table()) == "Records(4 rows, 2 persons, 2 cameras)"


@given(st.lists(st.integers(0, 9), max_size=30))
def test_labels_are_contiguous_sorted_and_invertible(persons):
    records = Records.from_columns([str(i) for i in range(len(persons))], np.array(persons, np.int64))
    labels, values = records.labels()
    assert values.tolist() == sorted(set(persons))
    assert values[labels].tolist() == persons


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(RecordsError, match="row 1, column person: 18446744073709551615 is more than"):
        Records.from_columns(["a", "b"], np.array([1, 2**64 - 1], np.uint64))
    with pytest.raises(RecordsError, match="row 0, column camera"):
        Records.from_columns(["a"], [1], camera=np.array([2**63], np.uint64))
    assert Records.from_columns(["a"], np.array([2**63 - 1], np.uint64)).person[0] == 2**63 - 1
