import json
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from glimpse.records import TEXT, Records
from glimpse.world.frame import BACKGROUND, OCCLUDER, PARTS


def truth_of(folder):
    return Records.load(folder / "ground_truth" / "records.csv")


def is_truth(path, folder):
    return path.relative_to(folder).parts[0] == "ground_truth"


def test_the_records_name_every_image_and_the_part_map_lies_beside_it(tree_of, layout):
    folder = tree_of(layout)
    records = truth_of(folder)
    images = records[records.modality != TEXT]
    pictures = {".jpg", ".png", ".tif", ".bmp"}
    on_disk = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in pictures and not is_truth(path, folder)
    }
    assert set(images.path.tolist()) == on_disk
    for path in on_disk:
        assert (folder / "ground_truth" / "parts" / PurePosixPath(path).with_suffix(".png")).is_file()


def test_a_part_map_has_the_size_of_its_image_and_holds_parts(tree_of):
    folder = tree_of("occluded_reid")
    records = truth_of(folder)
    hidden = 0
    for row in range(len(records)):
        path = records.path[row]
        parts = Image.open(folder / "ground_truth" / "parts" / PurePosixPath(path).with_suffix(".png"))
        assert parts.mode == "P"
        assert parts.size == Image.open(folder / path).size
        values = np.asarray(parts)
        assert values.max() <= OCCLUDER + len(PARTS)
        shown = (values != BACKGROUND) & (values != OCCLUDER)
        assert shown.any() == (records.extra["visible"][row] > 0)
        hidden += bool((values == OCCLUDER).any())
        assert (values == OCCLUDER).any() <= (records.kind[row] == "occluded")
    assert hidden > 0


def test_whole_people_are_more_visible_than_occluded_ones(tree_of):
    records = truth_of(tree_of("partial_reid"))
    visible = {kind: records.filter(kind=kind).extra["visible"] for kind in ("whole", "occluded", "partial")}
    assert visible["whole"].min() > 0.85
    assert visible["occluded"].mean() < 0.9
    assert visible["partial"].mean() < 0.9
    assert records.extra["parts_visible"].shape == (len(records), len(PARTS))
    assert records.extra["keypoints"].shape == (len(records), 14, 3)


def test_captions_stand_in_the_records_as_in_the_layouts_own_list(tree_of):
    folder = tree_of("cuhk_pedes")
    records = truth_of(folder)
    texts = records.filter(modality=TEXT)
    entries = json.loads((folder / "reid_raw.json").read_text())
    for entry in entries:
        mine = texts.filter(path=f"imgs/{entry['file_path']}")
        assert mine.caption.tolist() == entry["captions"]


def test_everybody_is_described_in_the_order_of_the_records(tree_of):
    folder = tree_of("market1501")
    people = json.loads((folder / "ground_truth" / "people.json").read_text())
    records = truth_of(folder)
    assert len(people) > records.extra["world_person"].max()
    for person, family in zip(records.extra["world_person"], records.extra["family"], strict=True):
        assert people[person]["family"] == family
    assert {"upper", "lower", "hair", "carried", "shoes", "differs_in"} <= people[0].keys()


def test_the_records_agree_with_the_reader(tree_of):
    from glimpse.datasets import read

    folder = tree_of("occluded_duke")
    records = truth_of(folder)
    known = dict(zip(records.path, zip(records.person, records.camera, strict=True), strict=True))
    protocol = read("occluded_duke", folder).protocol()
    for table in (protocol.query, protocol.gallery):
        for path, person, camera in zip(table.path, table.person, table.camera, strict=True):
            relative = PurePosixPath(path).relative_to(folder).as_posix()
            assert known[relative] == (person, camera)
