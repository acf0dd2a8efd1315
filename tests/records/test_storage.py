import csv
import importlib
import string

import numpy as np
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import ipc, parquet

from glimpse.errors import MissingExtraError, RecordsError
from glimpse.records import Records

FORMATS = [".csv", ".arrow", ".parquet"]

# a path may hold bytes that are no text (surrogates); Arrow holds only true text
words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12)
names = st.text(string.ascii_lowercase, min_size=1, max_size=6).map("x_".__add__)


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 6))
    dtypes = st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_])
    shapes = st.sampled_from([(), (3,), (2, 2)])
    extra = {
        name: draw(hnp.arrays(draw(dtypes), (rows, *draw(shapes))))
        for name in draw(st.lists(names, unique=True, max_size=3))
    }
    extra["note"] = np.array(draw(st.lists(words, min_size=rows, max_size=rows)), object)
    return Records.from_columns(
        draw(st.lists(words, min_size=rows, max_size=rows, unique=True)),
        np.array(draw(st.lists(st.integers(-2, 99), min_size=rows, max_size=rows)), np.int64),
        camera=np.array(draw(st.lists(st.integers(-1, 9), min_size=rows, max_size=rows)), np.int64),
        caption=draw(st.lists(words, min_size=rows, max_size=rows)),
        time=np.array(
            draw(st.lists(st.floats(allow_infinity=False), min_size=rows, max_size=rows)), np.float64
        ),
        kind=draw(st.sampled_from(["", "whole", "occluded"])),
        extra=extra,
    )


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=tables())
def test_a_table_comes_back_as_it_was_saved(tmp_path, suffix, records):
    path = tmp_path / f"table{suffix}"
    records.save(path)
    again = Records.load(path)
    assert again == records
    for name, values in records.extra.items():
        assert again.extra[name].dtype == values.dtype
        assert again.extra[name].shape == values.shape


def test_a_path_that_is_no_text_survives_csv(tmp_path):
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    Records.from_columns([name], 1).save(tmp_path / "t.csv")
    assert Records.load(tmp_path / "t.csv").path.tolist() == [name]


def test_a_csv_written_by_hand_needs_only_path_and_person(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("person,path,camera,split\n7,a.jpg,,query\n9,b.jpg,2,gallery\n", encoding="utf-8-sig")
    records = Records.load(path)
    assert records.person.tolist() == [7, 9]
    assert records.camera.tolist() == [-1, 2]
    assert records.extra["split"].tolist() == ["query", "gallery"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty, expected a header"),
        ("path\na\n", "has no column person"),
        ("path,person\na,seven\n", "row 0, column person: expected a value of type int64, got 'seven'"),
        ("path,person\na,1.5\n", "row 0, column person"),
        ("path,person\na\n", "row 0 has 1 cells, expected 2"),
        ("path,person,person\na,1,1\n", "column person occurs twice"),
        ("path,person,v:object\na,1,x\n", "column v: unknown type object"),
        ("path,person,v:float32[2]\na,1,0.5\n", r"row 0, column v: expected 2 numbers, got '0.5'"),
        ("path,person,v:bool\na,1,maybe\n", "row 0, column v: expected a value of type bool"),
        ("path,person,v:uint8\na,1,300\n", "row 0, column v"),
        ("path,person,[v]\na,1,3\n", "is not a column name"),
        ("path,person\na,1\na,2\n", "row 1, column path: 'a' is already in row 0"),
    ],
)
def test_a_bad_csv_is_refused_in_one_sentence(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(RecordsError, match=message) as caught:
        Records.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_damaged_table_is_named(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(RecordsError, match=f"t{suffix} is not"):
        Records.load(path)


def test_unknown_endings_and_missing_files_are_named(tmp_path):
    with pytest.raises(RecordsError, match=r"kept as \.csv, \.arrow, \.parquet, not \.pkl"):
        Records.empty().save(tmp_path / "t.pkl")
    with pytest.raises(RecordsError, match="no table of records at"):
        Records.load(tmp_path / "none.csv")


def test_a_failed_save_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    old = Records.from_columns(["a"], 1)
    old.save(path)
    monkeypatch.setattr(
        "os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(Exception, match="disk is full"):
        Records.from_columns(["b"], 2).save(path)
    assert Records.load(path) == old
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_without_pyarrow_the_sentence_names_the_extra(tmp_path, monkeypatch):
    real = importlib.import_module

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r'pip install "glimpse\[arrow\]"'):
        Records.empty().save(tmp_path / "t.arrow")


@pytest.mark.parametrize("ending", [".arrow", ".parquet"])
def test_a_name_that_is_no_utf8_is_said_before_anything_is_written(tmp_path, ending):
    table = Records.from_columns(["a.jpg", "b\udcff.jpg"], [1, 2])
    with pytest.raises(RecordsError, match=r"row 1, column path: b\\udcff\.jpg is no valid UTF-8"):
        table.save(tmp_path / f"t{ending}")
    assert not list(tmp_path.iterdir())
    table.save(tmp_path / "t.csv")
    assert Records.load(tmp_path / "t.csv") == table


def test_a_cell_may_be_longer_than_the_csv_module_allows(tmp_path):
    table = Records.from_columns(["a"], [1], extra={"parts": np.zeros((1, 200, 400), np.uint8)})
    table.save(tmp_path / "t.csv")
    assert max(map(len, (tmp_path / "t.csv").read_text().split(","))) > csv.field_size_limit()
    assert Records.load(tmp_path / "t.csv") == table


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,person,v:float32[999999999x999999999]\na,1,3", "row 0, column v: expected 9999999980000000"),
        ("path,person,v:float32[99999999999]\na,1,3", "is not a column name"),
        ("path,person,v:float32\na,1,1e300", "row 0, column v: expected a value of type float32"),
        ("path,person,v:int8\na,1,300", "row 0, column v: expected a value of type int8"),
        ("path,person\na,18446744073709551615", "row 0, column person"),
        ("path,person:uint64\na,18446744073709551615", "row 0, column person: 18446744073709551615 is more"),
        ("path,person\na," + "x" * 1000, "got 'x{160}…'"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_that_cannot_be_are_refused_by_row(tmp_path, text, sentence):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(RecordsError, match=sentence):
        Records.load(tmp_path / "t.csv")


@pytest.mark.parametrize("ending", [".arrow", ".parquet"])
@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ('{"v": [3]}', r"column v has 4 values of type int64, expected 2 rows of numbers of shape \[3\]"),
        ('{"v": [-2]}', "the shapes of its columns cannot be"),
        ('{"v": 2}', "the shapes of its columns cannot be"),
        ('{"none": [2]}', "the shapes of its columns cannot be"),
        ("[", "the shapes of its columns cannot be"),
    ],
)
def test_shapes_that_cannot_be_are_refused(tmp_path, ending, shapes, sentence):
    table = pyarrow.table({"path": ["a", "b"], "person": [1, 2], "v": [[1, 2], [3, 4]]})
    write_table(table.replace_schema_metadata({"glimpse.shapes": shapes}), tmp_path / f"t{ending}")
    with pytest.raises(RecordsError, match=sentence):
        Records.load(tmp_path / f"t{ending}")


@pytest.mark.parametrize("ending", [".arrow", ".parquet"])
def test_a_column_that_occurs_twice_is_refused(tmp_path, ending):
    arrays = [pyarrow.array(["a"]), pyarrow.array([1]), pyarrow.array([2])]
    write_table(pyarrow.Table.from_arrays(arrays, ["path", "person", "person"]), tmp_path / f"t{ending}")
    with pytest.raises(RecordsError, match="column person occurs twice"):
        Records.load(tmp_path / f"t{ending}")


def write_table(table, path):
    if path.suffix == ".arrow":
        with ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    else:
        parquet.write_table(table, path)
