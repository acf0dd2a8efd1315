"""RSTPReid, and its obsolete split."""

from pathlib import Path

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


def test_of_both_splits_the_obsolete_one_alone_is_refused():
    def entries_of(sizes):
        return [Entry(e["id"], e["img_path"], ("x",), e["split"]) for e in split_of(sizes)]

    refuse_obsolete_split(entries_of({"train": 3701, "val": 200, "test": 200}), Path("data_captions.json"))
    with pytest.raises(LayoutError, match=r"data_captions\.json is the obsolete split"):
        refuse_obsolete_split(entries_of(OBSOLETE_PERSONS), Path("data_captions.json"))
