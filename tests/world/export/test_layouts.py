import json
import re
import warnings
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.io import loadmat

from glimpse.datasets import part_counts, read
from glimpse.protocols import read_permutations
from glimpse.records import DISTRACTOR, JUNK
from glimpse.world.captions import LONG_WORDS
from glimpse.world.export import SCALES, WRITERS, export_world, make_options


def read_without_warnings(layout, folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read(layout, folder, **options)


def test_the_reader_finds_what_the_card_says_and_no_problem(tree_of, layout):
    folder = tree_of(layout)
    dataset = read_without_warnings(layout, folder)
    card = json.loads((folder / "glimpse-world.json").read_text())["counts"]
    found = part_counts(dataset.train, dataset.protocols)
    assert {part: [count.persons, count.rows] for part, count in found.items()} == card
    assert dataset.rendered
    assert not dataset.problems


def test_every_query_has_a_right_answer(tree_of, layout):
    dataset = read_without_warnings(layout, tree_of(layout))
    for protocol in dataset.protocols.values():
        # as in the real set, the indoor search knows nothing of those who stay outdoors
        most = len(protocol.query) - 1 if protocol.name.startswith("indoor") else 0
        assert all(validity.valid > 0 and validity.skipped <= most for validity in protocol.validity())


def test_nobody_is_in_two_splits(tree_of, layout):
    dataset = read_without_warnings(layout, tree_of(layout))
    persons = [set(dataset.train.persons.tolist())]
    for protocol in dataset.protocols.values():
        tested = set(protocol.query.persons.tolist()) | set(protocol.gallery.persons.tolist())
        assert not tested & persons[0]
    if "val" in dataset.protocols:
        sides = [set(dataset.protocols[name].gallery.persons.tolist()) for name in ("val", "test")]
        assert not sides[0] & sides[1]


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_of_every_layout_can_be_planned(layout, scale):
    options = make_options(layout, scale=scale)
    if scale == "large":
        assert 95_000 <= options.people * options.images_per_person <= 105_000
    else:
        tree = WRITERS[layout].plan(options)
        paths = [path for image in tree.images for path in image.paths]
        assert len(paths) == len(set(paths))
        assert all(0 <= p.person < tree.people and 0 <= p.camera < tree.cameras for p in tree.images)


def test_the_fewest_images_and_people_make_a_whole_tree(tmp_path, layout):
    writer = WRITERS[layout]
    export_world(
        layout,
        tmp_path,
        people=writer.fewest_people,
        images_per_person=writer.fewest_images,
        shape=(32, 16),
        seed=5,
    )
    dataset = read_without_warnings(layout, tmp_path)
    for protocol in dataset.protocols.values():
        assert protocol.validity()[0].valid > 0


def test_market_has_junk_and_distractors_in_the_gallery_only(tree_of):
    dataset = read_without_warnings("market1501", tree_of("market1501"))
    protocol = dataset.protocol()
    gallery = Counter(protocol.gallery.person.tolist())
    assert gallery[JUNK] > 0
    assert gallery[DISTRACTOR] > 0
    assert not {JUNK, DISTRACTOR} & set(protocol.query.person.tolist())
    queries = Counter(zip(protocol.query.person.tolist(), protocol.query.camera.tolist(), strict=True))
    assert set(queries.values()) == {1}, "one query for each person and camera"


def test_most_occluded_duke_queries_stand_in_the_gallery_under_the_same_name(tree_of):
    folder = tree_of("occluded_duke")
    query = {path.name for path in (folder / "query").iterdir()}
    gallery = {path.name for path in (folder / "bounding_box_test").iterdir()}
    assert 0 < len(query & gallery) < len(query)
    for name in query & gallery:
        twins = [folder / place / name for place in ("query", "bounding_box_test")]
        assert twins[0].read_bytes() == twins[1].read_bytes()
    queries = {name[:4] for name in query}
    assert queries < {name[:4] for name in gallery}, "some persons are only searched"


def test_sysu_comes_with_the_official_draw_in_matlabs_cells(tree_of):
    folder = tree_of("sysu_mm01")
    dataset = read_without_warnings("sysu_mm01", folder)
    assert "official" in dataset.protocol("all-single").note
    permutations = read_permutations(folder / "exp" / "rand_perm_cam.mat")
    for (camera, person), order in permutations.items():
        assert order.shape == (10, len(list((folder / f"cam{camera}" / f"{person:04d}").iterdir())))
    cells = loadmat(folder / "exp" / "rand_perm_cam.mat")["rand_perm_cam"]
    assert cells.shape == (6, 1)
    assert cells[0, 0].shape == (12, 1)
    assert len(permutations) < 6 * 12, "not everybody goes indoors"


def test_sysu_splits_are_the_same_in_text_and_in_matlab(tree_of):
    exp = tree_of("sysu_mm01") / "exp"
    for name in ("train_id", "val_id", "test_id", "available_id"):
        text = [int(word) for word in (exp / f"{name}.txt").read_text().split(",")]
        assert loadmat(exp / f"{name}.mat")["id"].ravel().tolist() == text


def test_sysu_infrared_images_are_gray_and_visible_ones_are_not(tree_of):
    from PIL import Image

    folder = tree_of("sysu_mm01")
    for camera in range(1, 7):
        path = sorted((folder / f"cam{camera}").rglob("*.jpg"))[0]
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        spread = (pixels.max(2) - pixels.min(2)).max()
        assert (spread <= 2) == (camera in (3, 6))


def test_regdb_has_ten_different_halves_with_labels_from_zero(tree_of):
    folder = tree_of("regdb")
    halves = set()
    for split in range(1, 11):
        dataset = read_without_warnings("regdb", folder, split=split)
        assert len(dataset.train.persons) == 4
        halves.add(tuple(dataset.train.persons.tolist()))
        for part in ("train", "test"):
            sides = []
            for side in ("visible", "thermal"):
                lines = (folder / "idx" / f"{part}_{side}_{split}.txt").read_text().splitlines()
                sides.append({int(line.split()[1]) for line in lines})
            assert sides[0] == sides[1] == set(range(4))
    assert len(halves) > 5


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
