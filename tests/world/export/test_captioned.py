"""The caption sets as they are on disk."""

import json
import re
from collections import Counter
from itertools import pairwise

from glimpse.world.captions import LONG_WORDS


def test_cuhk_counts_persons_from_one_and_sometimes_has_a_third_caption(tree_of):
    entries = json.loads((tree_of("cuhk_pedes") / "reid_raw.json").read_text())
    train = sorted({entry["id"] for entry in entries if entry["split"] == "train"})
    assert train == list(range(1, len(train) + 1))
    assert set(Counter(len(entry["captions"]) for entry in entries)) == {2, 3}
    assert {entry["file_path"].rsplit(".")[-1] for entry in entries} == {"jpg", "png"}
    for entry in entries:
        assert entry["processed_tokens"] == [
            re.findall(r"[\w-]+", text.lower()) for text in entry["captions"]
        ]


def test_icfg_folders_do_not_tell_the_split_and_each_image_has_one_caption(tree_of):
    entries = json.loads((tree_of("icfg_pedes") / "ICFG-PEDES.json").read_text())
    assert {len(entry["captions"]) for entry in entries} == {1}
    assert {(entry["split"], entry["file_path"].split("/")[0]) for entry in entries} == {
        ("train", "train"),
        ("train", "test"),
        ("test", "train"),
        ("test", "test"),
    }
    assert min(entry["id"] for entry in entries) == 0


def test_rstp_captions_are_long_and_each_image_is_by_another_camera(tree_of):
    entries = json.loads((tree_of("rstpreid") / "data_captions.json").read_text())
    for entry in entries:
        assert len(entry["captions"]) == 2
        assert all(len(text.split()) >= LONG_WORDS for text in entry["captions"])
    for before, after in pairwise(sorted(entry["img_path"] for entry in entries)):
        assert before.split("_")[:2] != after.split("_")[:2]
