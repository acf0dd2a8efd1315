"""What all readers do alike."""

import re
import string
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.datasets import (
    DatasetWarning,
    dukemtmc,
    llcm,
    market1501,
    msmt17,
    occluded_reid,
    read,
)
from glimpse.datasets.reading import image_names, read_lines, read_persons
from glimpse.errors import LayoutError, OptionError
from glimpse.evaluation import evaluate


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


def test_links_that_lead_in_a_circle_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").touch()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "b").symlink_to("a")
    assert image_names(tmp_path, deep=True) == ["a/1.jpg", "b/1.jpg"]


def test_lists_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.jpg\r\nb.jpg")
    assert read_lines(tmp_path / "list.txt") == ["a.jpg", "b.jpg"]


def test_an_empty_folder_of_queries_is_a_problem_of_its_own(tmp_path, quietly, own_problems):
    for folder in ("query", "gallery"):
        (tmp_path / folder).mkdir()
    (tmp_path / "gallery" / "1.jpg").touch()
    dataset = quietly("partial_ilids", tmp_path)
    assert "query: there are no images in this folder" in own_problems(dataset)
    protocol = dataset.protocol()
    with pytest.raises(OptionError, match="protocol test has no queries"):
        evaluate(np.zeros((0, 1)), protocol)
