"""RSTPReid, and its obsolete split."""

import pytest
from caption_files import entry, write

from glimpse.datasets.captions import Entry
from glimpse.datasets.rstpreid import OBSOLETE_PERSONS, refuse_obsolete_split
from glimpse.errors import LayoutError


def test_rstpreid_reads_img_path(plant, quietly, own_problems):
    entries = [
        entry(0, "0000_c14_0031.jpg", ["a", "b"], "train", key="img_path"),
        entry(4000, "4000_c1_0001.jpg", ["c", "d"], "test", key="img_path"),
    ]
    root = plant(*(f"RSTPReid/imgs/{e['img_path']}" for e in entries))
    write(root / "RSTPReid", "data_captions.json", entries)
    dataset = quietly("rstpreid", root)
    assert own_problems(dataset) == []
    assert dataset.protocol().query.caption.tolist() == ["c", "d"]


def split_of(sizes):
    persons = iter(range(sum(sizes.values())))
    return [
        entry(next(persons), f"{s}{i}.jpg", ["x"], s, key="img_path")
        for s, n in sizes.items()
        for i in range(n)
    ]


def test_the_obsolete_rstpreid_split_is_refused(plant, quietly):
    root = plant("RSTPReid/imgs/0000_c14_0031.jpg")
    write(root / "RSTPReid", "data_captions.json", split_of(OBSOLETE_PERSONS))
    with pytest.raises(LayoutError, match="obsolete split"):
        quietly("rstpreid", root)


def test_the_current_rstpreid_split_is_not_taken_for_the_obsolete_one(tmp_path):
    entries = [
        Entry(e["id"], e["img_path"], ("x",), e["split"])
        for e in split_of({"train": 3701, "val": 200, "test": 200})
    ]
    refuse_obsolete_split(entries, tmp_path)
