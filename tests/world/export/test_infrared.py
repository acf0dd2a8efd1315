"""SYSU-MM01 and RegDB as they are on disk."""

import json

import numpy as np
from scipy.io import loadmat

from glimpse.datasets.counts import WORLD_CARD
from glimpse.protocols import read_permutations


def test_sysu_comes_with_the_official_draw_in_matlabs_cells(tree_of, read_without_warnings):
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


def test_a_world_says_which_near_infrared_it_has_if_any(tree_of):
    cards = {name: json.loads((tree_of(name) / WORLD_CARD).read_text()) for name in ("sysu_mm01", "regdb")}
    assert cards["sysu_mm01"]["near_infrared"] == 2
    assert "near_infrared" not in cards["regdb"]


def test_regdb_has_ten_different_halves_with_labels_from_zero(tree_of, read_without_warnings):
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
