"""ICFG-PEDES."""

import pytest
from caption_files import entry, write

from glimpse.protocols import Validity


@pytest.mark.parametrize(
    ("folder", "file"), [("ICFG-PEDES", "ICFG-PEDES.json"), ("ICFG_PEDES/ICFG-PEDES", "ICFG_PEDES.json")]
)
def test_icfg_split_is_the_json_and_not_the_folder(plant, quietly, own_problems, folder, file):
    entries = [
        entry(0, "test/0000/0000_000_01_0303morning_0008_0.jpg", ["a man"], "train"),
        entry(9, "train/0009/0009_000_01_0303morning_0008_0.jpg", ["a lady"], "test"),
    ]
    root = plant(*(f"{folder}/imgs/{e['file_path']}" for e in entries))
    write(root / folder, file, entries)
    dataset = quietly("icfg_pedes", root)
    assert own_problems(dataset) == []
    assert dataset.train.persons.tolist() == [0]
    assert dataset.selection is None
    assert list(dataset.protocols) == ["test"]
    assert dataset.protocol().validity() == (Validity(1, 0),)
