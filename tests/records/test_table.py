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
