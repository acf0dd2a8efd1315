"""What all readers do alike."""

import json
import re
import string
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.datasets import (
    LAYOUTS,
    DatasetWarning,
    dukemtmc,
    llcm,
    market1501,
    msmt17,
    occluded_reid,
    read,
    reader,
)
from glimpse.datasets.counts import WORLD_CARD, differences
from glimpse.datasets.layout import Count
from glimpse.datasets.reading import image_names, read_lines, read_persons
from glimpse.errors import LayoutError, OptionError

PUBLISHED = [layout for layout in LAYOUTS if layout.published or layout.splits]

# spec datasets, section 13: images of each part; persons where the table gives them
TABLE_13 = {
    "market1501": {"train": (751, 12936), "test query": (750, 3368), "test gallery": (750, 15913)},
    "dukemtmc": {"train": (702, 16522), "test query": (702, 2228), "test gallery": (1110, 17661)},
    "msmt17": {"train": (1041, 32621), "test query": (3060, 11659), "test gallery": (3060, 82161)},
    "occluded_duke": {"train": (702, 15618), "test query": (519, 2210), "test gallery": (1110, 17661)},
    "occluded_reid": {"test query": (200, 1000), "test gallery": (200, 1000)},
    "partial_reid": {"partial query": (60, 300), "partial gallery": (60, 300)},
    "partial_ilids": {"test query": (119, 119), "test gallery": (119, 119)},
    "p_dukemtmc": {"train": (665, 12927), "supervised query": (634, 2163), "supervised gallery": (634, 9053)},
    "sysu_mm01": {
        "train rgb": (395, 22258),
        "train ir": (395, 11909),
        "all-single query": (96, 3803),
        "all-single gallery": (96, 301),
        "all-multi gallery": (96, 3010),
        "indoor-single gallery": (56, 112),
        "indoor-multi gallery": (56, 1120),
    },
    "regdb": {"train rgb": (206, 2060), "train ir": (206, 2060), "visible-to-thermal query": (206, 2060)},
    "cuhk_pedes": {
        "train rgb": (11003, 34054),
        "train text": (11003, 68126),
        "test query": (1000, 6156),
        "test gallery": (1000, 3074),
    },
    "icfg_pedes": {"train rgb": (3102, 34674), "test query": (1000, 19848), "test gallery": (1000, 19848)},
    "rstpreid": {
        "train rgb": (3701, 18505),
        "train text": (3701, 37010),
        "test query": (200, 2000),
        "test gallery": (200, 1000),
    },
}


@pytest.mark.parametrize("name", TABLE_13)
def test_the_published_counts_are_those_of_the_specification(name):
    layout = next(layout for layout in LAYOUTS if layout.name == name)
    published = {part: (count.persons, count.rows) for part, count in layout.published.items()}
    assert TABLE_13[name].items() <= published.items()


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_an_empty_folder_is_told_what_is_missing_where_and_who_grants_it(tmp_path, layout):
    with pytest.raises(LayoutError) as caught:
        read(layout.name, tmp_path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(tmp_path) in sentence
    assert layout.tree in sentence
    assert layout.grants in sentence
    assert all(folder in sentence for folder in layout.folders)
    assert ("glimpse world make" in sentence) == layout.rendered
    assert ("withdrawn" in sentence) == layout.withdrawn


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_folder_that_is_not_there_is_refused(tmp_path, layout):
    with pytest.raises(LayoutError, match=re.escape(str(tmp_path / "none"))):
        read(layout.name, tmp_path / "none")


def test_only_the_sets_that_derive_from_duke_are_withdrawn():
    assert {layout.name for layout in LAYOUTS if layout.withdrawn} == {
        "dukemtmc",
        "occluded_duke",
        "p_dukemtmc",
    }


def test_a_layout_is_found_by_any_spelling_and_a_typo_gets_the_nearest():
    assert reader("Occluded-Duke") is reader("occluded_duke")
    with pytest.raises(OptionError, match="did you mean market1501"):
        reader("market151")
    with pytest.raises(OptionError, match="there are market1501, dukemtmc"):
        reader("zzz")


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


def test_images_are_listed_sorted_whatever_the_case_of_their_ending(plant):
    root = plant("b.JPG", "a.tif", "Thumbs.db", ".hidden", "sub/c.jpeg", "d.bmp", "e.jpg.txt")
    assert image_names(root) == ["a.tif", "b.JPG", "d.bmp"]
    assert image_names(root, deep=True) == ["a.tif", "b.JPG", "d.bmp", "sub/c.jpeg"]


def test_the_last_line_of_a_list_keeps_its_last_letter(tmp_path):
    (tmp_path / "l").write_bytes(b"one.jpg\r\n\ntwo.jpg")
    assert read_lines(tmp_path / "l") == ["one.jpg", "two.jpg"]
    with pytest.raises(LayoutError, match="cannot read the list"):
        read_lines(tmp_path / "none")
    (tmp_path / "l").write_bytes(b"\xff\xfe")
    with pytest.raises(LayoutError, match="cannot read the list"):
        read_lines(tmp_path / "l")


@given(st.sets(st.integers(0, 9999)))
def test_person_lists_read_back(tmp_path_factory, persons):
    path = tmp_path_factory.mktemp("ids") / "ids.txt"
    path.write_text(",".join(map(str, sorted(persons))) + "\n")
    assert read_persons(path) == persons


NAMES = {
    market1501.NAME: "{person:04d}_c{camera}s1_000451_03",
    dukemtmc.NAME: "{person:04d}_c{camera}_f0046182",
    msmt17.NAME: "{person:04d}_000_0{camera}_0303morning_0008_0",
    llcm.NAME: "{person:04d}_c0{camera}_s185535_f7010_vis",
}


@pytest.mark.parametrize("pattern", NAMES)
@given(person=st.integers(0, 9999), camera=st.integers(0, 9))
def test_every_name_of_the_published_form_parses_to_its_person_and_camera(pattern, person, camera):
    match = pattern.fullmatch(NAMES[pattern].format(person=person, camera=camera))
    assert match is not None
    assert (int(match["person"]), int(match["camera"])) == (person, camera)


near_misses = st.text(string.ascii_letters + string.digits + "_-. cs", max_size=30)


@pytest.mark.parametrize("pattern", NAMES)
@given(data=st.data())
def test_a_name_with_anything_before_or_after_is_never_misread(pattern, data):
    good = NAMES[pattern].format(person=data.draw(st.integers(0, 9999)), camera=data.draw(st.integers(0, 9)))
    junk = data.draw(near_misses.filter(bool))
    before = pattern.fullmatch(junk + good)
    assert before is None
    after = pattern.fullmatch(good + junk)
    # digits more at the end of MSMT17's running number, or its published ending, are still that form
    assert after is None or (pattern is msmt17.NAME and re.fullmatch(r"\d*(_ex)?", junk))


@given(name=st.text(max_size=40))
def test_no_text_at_all_crashes_a_reader(tmp_path_factory, name):
    for pattern in (*NAMES, occluded_reid._NAME):
        match = pattern.fullmatch(name)
        if match is not None:
            assert name.startswith(match["person"])


@pytest.mark.parametrize("layout", ["market1501", "occluded_reid", "partial_reid", "p_ethz", "sysu_mm01"])
@given(
    names=st.lists(
        st.text(string.ascii_letters + string.digits + "_-cs", min_size=1, max_size=20), max_size=5
    )
)
def test_a_tree_of_any_names_is_read_or_refused_but_never_crashes(tmp_path_factory, layout, names):
    root = tmp_path_factory.mktemp("tree")
    folders = (
        "bounding_box_train", "bounding_box_test", "query", "occluded_body_images", "whole_body_images",
        "partial_body_images", "cam1", "cam3", "exp",
    )  # fmt: skip
    for folder in folders:
        (root / folder).mkdir()
        for name in names:
            (root / folder / f"{name}.jpg").touch()
    (root / "exp" / "train_id.txt").write_text("1")
    (root / "exp" / "test_id.txt").write_text("2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        dataset = read(layout, root)  # names alone are never a reason to refuse
    understood = len(dataset.train) + sum(len(p.query) for p in dataset.protocols.values())
    if names and understood == 0:
        assert any("not understood" in problem for problem in dataset.problems)
