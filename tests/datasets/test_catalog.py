"""Every layout: its published counts, its name, what a folder without it is told."""

import re

import pytest

from glimpse.datasets import (
    LAYOUTS,
    read,
    reader,
)
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
