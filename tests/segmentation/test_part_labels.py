import json

import numpy as np
import pytest

from glimpse.errors import LayoutError, OptionError, StorageError
from glimpse.segmentation.part_labels import (
    DEFAULT_MERGE,
    LABELS,
    MERGES,
    merge_table,
    mirror_table,
)
from glimpse.world.frame import PART_NAMES

COMMON = {"head", "torso", "arms", "legs", "feet", "carried"}


def test_label_sets_have_the_published_number_of_labels():
    sizes = {name: len(labels) for name, labels in LABELS.items()}
    assert sizes == {"pascal": 7, "lip": 20, "atr": 18, "pose": 13, "world": len(PART_NAMES)}
    assert all(labels[0] == "background" for labels in LABELS.values())
    # numbers of SCHP that are easy to get wrong: the two sets order them differently
    assert [LABELS["lip"].index(name) for name in ("face", "left_arm", "right_shoe")] == [13, 14, 19]
    assert [LABELS["atr"].index(name) for name in ("face", "left_arm", "left_shoe")] == [11, 14, 9]


@pytest.mark.parametrize("labels", LABELS)
def test_every_merge_table_names_only_labels_of_its_set_and_common_parts(labels):
    own = merge_table(labels, "own")
    assert own.names == LABELS[labels]
    assert own.numbers == {n: n for n in range(len(LABELS[labels]))}
    for name, table in MERGES[labels].items():
        assert set(table) <= set(LABELS[labels])
        merged = merge_table(labels, name)
        assert merged.numbers.keys() == set(range(len(LABELS[labels])))
        if name == "common":
            assert set(merged.names[1:]) <= COMMON
    assert merge_table(labels).names == merge_table(labels, DEFAULT_MERGE.get(labels, "own")).names


@pytest.mark.parametrize("labels", ["pascal", "lip", "atr", "pose"])
def test_common_parts_leave_no_label_of_a_body_out(labels):
    table = merge_table(labels, "common")
    assert [LABELS[labels][n] for n, part in table.numbers.items() if part == 0] == ["background"]


def test_lip_becomes_head_torso_arms_legs_and_feet():
    table = merge_table("lip")
    assert table.names == ("background", "head", "torso", "arms", "legs", "feet")
    labels = np.array([[0, 2, 13], [5, 14, 15], [9, 16, 19]], np.uint8)
    assert table.merged(labels, "x.png").tolist() == [[0, 1, 1], [2, 3, 3], [4, 4, 5]]


def test_an_unknown_label_is_named_with_its_map():
    with pytest.raises(LayoutError, match=r"a/b\.png holds the label 20, which lip does not have"):
        merge_table("lip").merged(np.array([[1, 20]], np.uint8), "a/b.png")
    with pytest.raises(LayoutError, match=r"holds the label 4, .* \(it has 0, 2\)"):
        merge_table(None, {"2": "head"}).merged(np.array([[2, 4]], np.uint8), "x.png")


def test_a_table_of_ones_own_merges_and_leaves_the_rest_background(tmp_path):
    file = tmp_path / "merge.json"
    file.write_text(json.dumps({"Left-arm": "left arm", "Right-arm": "right arm", "Face": "Head"}))
    table = merge_table("lip", file)
    assert table.names == ("background", "left_arm", "right_arm", "head")
    assert {n: part for n, part in table.numbers.items() if part} == {14: 1, 15: 2, 13: 3}
    assert merge_table("lip", str(file)).numbers == table.numbers
    assert merge_table(["bg", "left", "rest"], {"left": "body"}).numbers == {0: 0, 1: 1, 2: 0}


@pytest.mark.parametrize(
    ("labels", "merge", "sentence"),
    [
        ("lips", None, "there is no label set 'lips'; there are pascal, lip"),
        ("lip", "coarse", "lip has no merge table 'coarse'; it has own, common"),
        (
            "lip",
            {"elbow": "arms"},
            "names the label 'elbow', which lip does not have; it has background, hat",
        ),
        ("lip", {"Left-arm": "arms", "left_arm": "arms"}, "names the label 'left_arm' twice"),
        ("lip", {"hat": ""}, "the name of a part must be printable text"),
        ("lip", {"hat": 3}, "the name of a part must be printable text, got 3"),
        ("lip", {"hat": "background"}, "leaves nothing but background"),
        ("lip", {}, "leaves nothing but background"),
        ("lip", {"left_arm": "left_arm"}, "the part left_arm lacks its other side right_arm"),
        (None, {"hat": "head"}, "only numbers 0 to 254, got 'hat'"),
        (None, {"255": "head"}, "only numbers 0 to 254, got '255'"),
        (None, None, "give a table of label to part"),
        (["a", "b", "A"], None, "the label 'a' is listed twice"),
        (["a"], None, "2 to 255 of them, got 1"),
    ],
)
def test_impossible_tables_are_refused_in_one_sentence(labels, merge, sentence):
    with pytest.raises(OptionError, match=sentence.replace("(", r"\(")):
        merge_table(labels, merge)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[1]", "is not a JSON object"),
        ('{"hat": "head", "hat": "feet"}', "names a label twice"),
        (None, "there is no such file"),
    ],
)
def test_broken_files_of_tables_are_refused(content, sentence, tmp_path):
    file = tmp_path / "merge.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises((OptionError, StorageError), match=sentence):
        merge_table("lip", file)


@pytest.mark.parametrize("labels", ["lip", "atr", "pose"])
def test_the_mirror_exchanges_sides_and_is_its_own_inverse(labels):
    names = LABELS[labels]
    table = mirror_table(names)
    assert np.array_equal(table[table], np.arange(256))
    for number, name in enumerate(names):
        assert ("left" in name, "right" in name) == (
            "right" in names[table[number]],
            "left" in names[table[number]],
        )
    assert table[0] == 0


@pytest.mark.parametrize(("labels", "merge"), [("lip", "common"), ("pose", "pascal"), ("world", "own")])
def test_parts_without_sides_stay_in_the_mirror(labels, merge):
    assert np.array_equal(mirror_table(merge_table(labels, merge).names), np.arange(256))


def test_keys_differ_with_the_numbers_of_parts():
    keys = {merge_table(labels, merge).key() for labels in ("lip", "atr") for merge in ("own", "common")}
    assert len(keys) == 4
    assert merge_table("lip").key() == merge_table("lip", "common").key()
