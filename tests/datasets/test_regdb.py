"""RegDB: its splits and lists."""

import shutil

import numpy as np
import pytest
from scipy.io import savemat

from glimpse.errors import LayoutError, OptionError
from glimpse.protocols import Validity


@pytest.fixture
def regdb(plant):
    folders = (("Visible", "v"), ("Thermal", "t"))
    root = plant(
        *(f"RegDB/{f}/{p}/img_{s}_{n}.bmp" for f, s in folders for p in (1, 2, 3, 40) for n in (1, 2))
    )
    root = root / "RegDB"
    (root / "idx").mkdir()
    for split in range(1, 11):
        persons = {"train": (2, 40), "test": (1, 3)} if split == 1 else {"train": (1, 2), "test": (3, 40)}
        for part, chosen in persons.items():
            for (folder, suffix), side in zip(folders, ("visible", "thermal"), strict=True):
                lines = [
                    f"{folder}/{p}/img_{suffix}_{n}.bmp {i}" for i, p in enumerate(chosen) for n in (1, 2)
                ]
                (root / "idx" / f"{part}_{side}_{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_regdb_persons_are_folders_because_labels_start_at_0_in_train_and_test(regdb, quietly, own_problems):
    dataset = quietly("regdb", regdb)
    assert own_problems(dataset) == []
    assert dataset.train.persons.tolist() == [2, 40]
    assert dataset.protocol().query.persons.tolist() == [1, 3]
    assert set(dataset.train.modality) == {"rgb", "ir"}
    assert list(dataset.protocols) == ["visible-to-thermal", "thermal-to-visible"]
    assert dataset.protocol("thermal-to-visible").query.camera.tolist() == [2] * 4
    assert all(p.validity() == (Validity(4, 0),) for p in dataset.protocols.values())


def test_regdb_split_is_a_train_and_test_set_of_its_own(regdb, quietly):
    assert quietly("regdb", regdb, split=7).train.persons.tolist() == [1, 2]
    with pytest.raises(OptionError, match="splits 1 to 10, got 0"):
        quietly("regdb", regdb, split=0)


def test_regdb_lists_with_backslashes_are_read(regdb, quietly):
    path = regdb / "idx" / "test_visible_1.txt"
    before = quietly("regdb", regdb).protocol().query
    path.write_text(path.read_text().replace("/", "\\"))
    assert quietly("regdb", regdb).protocol().query == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Visible/1/img_v_1.bmp\n", "line 1: expected like"),
        ("Visible/1/img_v_1.bmp x\n", "line 1: expected like"),
        ("Visible/1/img_v_1.bmp 0\nVisible/3/img_v_1.bmp 0\n", "line 2: label 0 is folder 1 and 3"),
        ("Visible/1/none.bmp 0\n", "1 of the 1 images listed in test_visible_1.txt are missing"),
    ],
)
def test_regdb_lists_that_do_not_fit_are_refused(regdb, quietly, text, message):
    (regdb / "idx" / "test_visible_1.txt").write_text(text)
    with pytest.raises(LayoutError, match=message):
        quietly("regdb", regdb)


def test_regdb_without_lists_draws_halves_and_says_they_are_not_comparable(regdb, quietly, own_problems):
    for path in (regdb / "idx").iterdir():
        path.unlink()
    (regdb / "idx").rmdir()
    dataset = quietly("regdb", regdb, split=2)
    assert len(dataset.train.persons) == len(dataset.protocol().query.persons) == 2
    assert not set(dataset.train.persons) & set(dataset.protocol().query.persons)
    assert "not comparable" in own_problems(dataset)[0]
    assert quietly("regdb", regdb, split=2).train == dataset.train


TEN = np.array([[2, 40], *([[1, 2]] * 9)]), np.array([[1, 3], *([[3, 40]] * 9)])


@pytest.mark.parametrize(
    "held",
    [
        {"train_id": TEN[0], "test_id": TEN[1]},
        {"TrainID": TEN[0].T.astype(np.uint16), "TestID": TEN[1].T, "note": np.eye(3)},
        {"perm": np.hstack(TEN)},
    ],
)
def test_regdb_split_file_is_used_where_there_are_no_lists(regdb, quietly, own_problems, held):
    lists = {split: quietly("regdb", regdb, split=split) for split in (1, 2)}
    shutil.rmtree(regdb / "idx")
    savemat(regdb / "RegDB_split.mat", held)
    for split, expected in lists.items():
        dataset = quietly("regdb", regdb, split=split)
        assert dataset.train == expected.train
        assert dataset.protocol().query == expected.protocol().query
        assert own_problems(dataset) == []


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ({"a": TEN[0], "b": TEN[1]}, "ten rows or columns in it: a, b"),
        ({"perm": np.eye(3)}, "ten rows or columns in it: none"),
        ({"perm": np.ones((10, 4))}, "split 1 names a person twice"),
        ({"perm": np.full((10, 4), 0.5)}, "must hold whole numbers, got 0.5"),
    ],
)
def test_regdb_split_file_of_something_else_is_refused(regdb, quietly, held, sentence):
    shutil.rmtree(regdb / "idx")
    savemat(regdb / "RegDB_split.mat", held)
    with pytest.raises(LayoutError, match=sentence):
        quietly("regdb", regdb)
