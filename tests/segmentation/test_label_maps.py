import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from glimpse.datasets import read
from glimpse.errors import BrokenImageError, GlimpseError, LayoutError, OptionError
from glimpse.progress import silent
from glimpse.segmentation import label_maps, world_parts
from glimpse.segmentation.part_labels import LIP, merge_table
from glimpse.segmentation.parts import PART, nearest, part_maps
from glimpse.world.export import export_world

SIZE = (8, 4)


def lip_labels(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, len(LIP), size, np.uint8)


def write_image(path, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path)
    return str(path)


def write_map(path, labels, *, palette=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    if palette:
        image = Image.frombytes("P", image.size, labels.tobytes())
        image.putpalette(list(range(255, -1, -1)) * 3)
    image.save(path)


@pytest.mark.parametrize("palette", [False, True])
def test_label_pngs_become_part_maps_whatever_their_colors(palette, tmp_path):
    paths = [write_image(tmp_path / "images" / f"{n}.jpg") for n in range(3)]
    for n in range(3):
        write_map(tmp_path / "labels" / "images" / f"{n}.png", lip_labels(n), palette=palette)
    source = label_maps(tmp_path / "labels", "lip")
    maps = source.parts(paths, SIZE)
    expected = [merge_table("lip", "common").merged(lip_labels(n), "") for n in range(3)]
    assert np.array_equal(maps, expected)
    assert source.names == ("background", "head", "torso", "arms", "legs", "feet")
    assert source.truth == "label maps of lip, as head, torso, arms, legs, feet"


def test_maps_are_resized_by_nearest_never_by_mixing_labels(tmp_path):
    path = write_image(tmp_path / "a.jpg", (16, 8))
    labels = lip_labels(3, (32, 16))  # the parser worked at twice the image's size
    write_map(tmp_path / "labels" / "a.png", labels)
    maps = label_maps(tmp_path / "labels", "lip", "own").parts([path], (24, 10))
    assert np.array_equal(maps[0], nearest(labels, (24, 10)))


@pytest.mark.parametrize("shape", [(8, 8), (4, 8), (473, 473)])
def test_a_map_of_another_shape_than_its_image_is_refused(shape, tmp_path):
    path = write_image(tmp_path / "a.jpg")
    write_map(tmp_path / "labels" / "a.png", np.zeros(shape, np.uint8))
    with pytest.raises(BrokenImageError, match=rf"it has {shape[0]} x {shape[1]} .* but its image 8 x 4"):
        label_maps(tmp_path / "labels", "lip").parts([path], SIZE)


def test_a_map_may_round_its_shape(tmp_path):
    path = write_image(tmp_path / "a.jpg", (131, 57))
    write_map(tmp_path / "labels" / "a.png", np.zeros((256, 111), np.uint8))  # 111.4
    assert not label_maps(tmp_path / "labels", "lip").parts([path], SIZE).any()


def test_maps_that_are_none_are_refused_in_one_sentence(tmp_path):
    path = write_image(tmp_path / "a.jpg")
    file = tmp_path / "labels" / "a.png"
    file.parent.mkdir()
    source = label_maps(tmp_path / "labels", "lip")
    size = struct.pack(">II", 60_000, 60_000)
    chunks = (b"IHDR" + size + b"\x08\x00\x00\x00\x00", b"IDAT" + zlib.compress(bytes(1000)))
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
    whole = tmp_path / "whole.png"
    write_map(whole, lip_labels(0, (200, 100)))
    for content, sentence in (
        (b"", "it is not a PNG file"),
        ((tmp_path / "a.jpg").read_bytes(), "it is not a PNG file"),
        (bomb, "60000 x 60000 pixels, more than"),
        (whole.read_bytes()[:300], "its PNG data is damaged"),
    ):
        file.write_bytes(content)
        with pytest.raises(BrokenImageError, match=sentence):
            source.parts([path], SIZE)
    gray = Image.fromarray(np.zeros(SIZE, np.uint8))
    for mode in ("RGB", "RGBA", "LA", "1", "I;16"):
        gray.convert(mode).save(file)
        with pytest.raises(BrokenImageError, match="a map of labels has a palette or 8-bit gray"):
            source.parts([path], SIZE)
    write_map(file, np.full(SIZE, 20, np.uint8))
    with pytest.raises(LayoutError, match="holds the label 20, which lip does not have"):
        source.parts([path], SIZE)


def test_missing_maps_and_folders_are_named(tmp_path):
    path = write_image(tmp_path / "b.jpg")
    write_map(tmp_path / "labels" / "a.png", lip_labels())
    with pytest.raises(LayoutError, match=r"the part maps \(\*\.png\) in .*: there is nothing for .*b\.jpg"):
        label_maps(tmp_path / "labels", "lip").parts([path], SIZE)
    with pytest.raises(LayoutError, match="there is no folder of part maps"):
        label_maps(tmp_path / "nowhere", "lip").parts([path], SIZE)


def test_the_folder_may_say_what_its_labels_are(tmp_path):
    path = write_image(tmp_path / "a.jpg")
    labels = np.arange(32, dtype=np.uint8).reshape(SIZE) % 3
    write_map(tmp_path / "labels" / "a.png", labels)
    sidecar = tmp_path / "labels" / "labels.json"
    sidecar.write_text(json.dumps({"labels": ["Background", "Left hand", "Right-hand"], "truth": "by hand"}))
    source = label_maps(tmp_path / "labels")
    assert source.names == ("background", "left_hand", "right_hand")
    assert source.truth == "by hand, as left_hand, right_hand"
    assert np.array_equal(source.parts([path], SIZE)[0], labels)
    sidecar.write_text('{"labels": "lip"}')
    assert label_maps(tmp_path / "labels").names[1] == "head"
    for content in ("[]", "{}", '{"labels": [1]}', '{"labels": ["a", "b"], "truth": 1}', "nonsense"):
        sidecar.write_text(content)
        with pytest.raises(GlimpseError):
            label_maps(tmp_path / "labels")
    sidecar.unlink()
    with pytest.raises(OptionError, match="say which labels the part maps"):
        label_maps(tmp_path / "labels")
    numbered = label_maps(tmp_path / "labels", merge={"1": "hand", "2": "hand"})
    assert np.array_equal(numbered.parts([path], SIZE)[0], labels > 0)


def test_the_key_follows_files_and_the_merge_table(tmp_path):
    path = write_image(tmp_path / "a.jpg")
    file = tmp_path / "labels" / "a.png"
    write_map(file, lip_labels())
    keys = [
        label_maps(tmp_path / "labels", "lip", merge).key([path]) for merge in ("own", "common", "common")
    ]
    assert keys[1] == keys[2] != keys[0]
    os.utime(file, (1, 1))
    assert label_maps(tmp_path / "labels", "lip").key([path]) != keys[1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("world") / "duke"
    export_world("occluded_duke", root, people=6, images_per_person=4, seed=3)
    return root


def test_a_worlds_part_maps_come_back_with_their_own_names(tree, tmp_path):
    rows = read("occluded_duke", tree).train
    source = world_parts(tree)
    assert source.names == ("background", "occluder", "head", "torso", "arms", "legs", "feet", "carried")
    assert "world" in source.truth
    with Image.open(rows.path[0]) as image:
        size = (image.height, image.width)
    maps = part_maps(source, rows, tmp_path, size, silent)[PART]
    for path, found in zip(rows.path, maps, strict=True):
        relative = os.path.relpath(path, tree)
        with Image.open((tree / "ground_truth" / "parts" / relative).with_suffix(".png")) as image:
            assert np.array_equal(np.asarray(image), found)
    assert set(np.unique(maps)) >= set(range(7))
    merged = world_parts(tree, "common")
    common = merged.parts(rows.path.tolist(), size)
    assert np.array_equal(common > 0, maps > 1)  # nobody is an occluder
    assert merged.names[1:] == source.names[2:]


def test_only_a_finished_world_has_parts(tree, tmp_path):
    with pytest.raises(LayoutError, match="is no finished world with part maps"):
        world_parts(tmp_path)
    with pytest.raises(GlimpseError, match="has no merge table 'pascal'"):
        world_parts(tree, "pascal")
