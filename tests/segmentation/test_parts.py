from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glimpse.errors import LayoutError, OptionError, ShapeError, StorageError
from glimpse.progress import silent
from glimpse.records import Records
from glimpse.segmentation.parts import PART, PathIndex, nearest, part_maps, part_source


class Counted:
    """A source that writes the number in a path's stem everywhere, and counts what it is asked for."""

    truth = "counting"
    names = ("background", "one", "two", "three")

    def __init__(self, settings="a"):
        self.settings = settings
        self.asked = []

    def key(self, paths):
        return self.settings

    def parts(self, paths, size):
        self.asked += paths
        return np.stack([np.full(size, int(path[-5]), np.uint8) for path in paths])


def rows_of(*paths):
    """A row for each path; those that come again are captions."""
    again = [path in paths[:row] for row, path in enumerate(paths)]
    return Records.from_columns(
        list(paths),
        [0] * len(paths),
        modality=["text" if text else "rgb" for text in again],
        caption=["somebody" if text else "" for text in again],
    )


@given(st.tuples(*4 * [st.integers(1, 40)]), st.integers(0, 2**32 - 1))
def test_nearest_takes_the_label_at_each_center(sizes, seed):
    height, width, tall, wide = sizes
    labels = np.random.default_rng(seed).integers(0, 255, (height, width), np.uint8)
    resized = nearest(labels, (tall, wide))
    half = Fraction(1, 2)
    for y, x in np.ndindex(tall, wide):
        assert resized[y, x] == labels[int((y + half) * height / tall), int((x + half) * width / wide)]


def test_nearest_is_pillows_nearest_where_no_center_lies_on_a_border():
    labels = np.random.default_rng(0).integers(0, 255, (473, 237), np.uint8)
    expected = Image.fromarray(labels).resize((64, 128), Image.Resampling.NEAREST)
    assert np.array_equal(nearest(labels, (128, 64)), np.asarray(expected))


def test_entries_are_found_by_the_folders_that_agree_from_the_end():
    index = PathIndex(["train/a.png", "query/a.png", "b.png", "deep/er/c.d.png"], "the maps")
    paths = ["/data/query/a.jpg", "x/train/a.TIF", "any/where/b.bmp", "deep/other/c.d.jpeg", "x/train/a.TIF"]
    assert index.find(paths) == [1, 0, 2, 3, 0]
    assert PathIndex(["C:\\people\\a.jpg"], "x").find(["/srv/people/a.jpg"]) == [0]
    assert PathIndex(["a.b"], "x").find(["a.b.jpg"]) == [0]  # what is no image's ending belongs to the name


@pytest.mark.parametrize(
    ("names", "paths", "sentence"),
    [
        (["a.png"], ["c/b.jpg"], "the maps: there is nothing for the image c/b.jpg"),
        (["x/a.png", "y/a.png"], ["z/a.jpg"], "x/a.png and y/a.png could both be of the image z/a.jpg"),
        (["x/a.png"], ["x/a.jpg", "y/a.jpg"], "x/a.png would be of two images, x/a.jpg and y/a.jpg"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(names, paths, sentence):
    with pytest.raises(LayoutError, match=sentence):
        PathIndex(names, "the maps").find(paths)


def test_maps_are_made_once_per_image_and_shared_by_its_rows(tmp_path):
    source = Counted()
    rows = rows_of("a/1.jpg", "a/3.jpg", "a/1.jpg", "a/2.jpg")
    maps = part_maps(source, rows, tmp_path, (4, 2), silent)[PART]
    assert maps.dtype == np.uint8
    assert maps.shape == (4, 4, 2)
    assert maps[:, 0, 0].tolist() == [1, 3, 1, 2]
    assert source.asked == ["a/1.jpg", "a/3.jpg", "a/2.jpg"]
    again = Counted()
    assert np.array_equal(part_maps(again, rows, tmp_path, (4, 2), silent)[PART], maps)
    assert again.asked == []


def test_other_settings_sizes_and_images_make_other_maps(tmp_path):
    rows = rows_of("a/1.jpg", "a/2.jpg")
    part_maps(Counted(), rows, tmp_path, (4, 2), silent)
    for source, others, size in (
        (Counted("b"), rows, (4, 2)),
        (Counted(), rows, (2, 4)),
        (Counted(), rows_of("a/2.jpg", "a/1.jpg"), (4, 2)),
    ):
        maps = part_maps(source, others, tmp_path, size, silent)[PART]
        assert len(source.asked) == 2
        assert maps[:, 0, 0].tolist() == [int(path[-5]) for path in others.path]


def test_maps_of_a_data_set_larger_than_a_chunk_are_whole(tmp_path):
    paths = [f"{n}/{n % 4}.jpg" for n in range(600)]
    maps = part_maps(Counted(), rows_of(*paths), tmp_path, (3, 2), silent)[PART]
    assert np.array_equal(maps, np.tile(np.arange(4, dtype=np.uint8), 150)[:, None, None] * np.ones((3, 2)))


def test_no_rows_and_no_source_give_no_maps(tmp_path):
    assert part_maps(None, rows_of("a/1.jpg"), tmp_path, (4, 2), silent) == {}
    assert part_maps(Counted(), rows_of("a/1.jpg")[:0], tmp_path, (4, 2), silent)[PART].shape == (0, 4, 2)
    assert list(tmp_path.iterdir()) == []


def test_damaged_maps_are_named(tmp_path):
    part_maps(Counted(), rows_of("a/1.jpg"), tmp_path, (4, 2), silent)
    (file,) = (tmp_path / PART).iterdir()
    for content in (b"", file.read_bytes()[:-3], b"\x93NUMPY nonsense"):
        file.write_bytes(content)
        with pytest.raises(StorageError, match="cannot be read; delete them"):
            part_maps(Counted(), rows_of("a/1.jpg"), tmp_path, (4, 2), silent)


def test_maps_that_a_source_gets_wrong_are_refused_and_not_kept(tmp_path):
    class Wrong(Counted):
        def parts(self, paths, size):
            return self.maps

    for maps, sentence in (
        (np.zeros((1, 2, 4), np.uint8), r"uint8 \[1, 4, 2\], got uint8 \[1, 2, 4\]"),
        (np.zeros((1, 4, 2)), "got float64"),
        (np.full((1, 4, 2), 4, np.uint8), "must hold 0 to 3, got 4"),
    ):
        source = Wrong()
        source.maps = maps
        with pytest.raises(ShapeError, match=sentence):
            part_maps(source, rows_of("a/1.jpg"), tmp_path, (4, 2), silent)
    assert list((tmp_path / PART).iterdir()) == []


def test_a_source_is_used_only_where_a_recipe_asks():
    source = Counted()
    assert part_source(SimpleNamespace(needs_parts=True), source) is source
    assert part_source(SimpleNamespace(), None) is None
    with pytest.raises(OptionError, match="part maps are given to a recipe that learns from none"):
        part_source(SimpleNamespace(needs_parts=False), source)
    with pytest.raises(OptionError, match="give label maps, keypoints or a world's own parts"):
        part_source(SimpleNamespace(needs_parts=True), None)
