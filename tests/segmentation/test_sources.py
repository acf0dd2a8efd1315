import json

import numpy as np
import pytest
from PIL import Image

from glimpse.errors import LayoutError, OptionError, StorageError
from glimpse.progress import silent
from glimpse.segmentation import label_maps
from glimpse.segmentation.sources import StripeParts, named_parts, part_color, write_part_maps


def images(folder, count=3, size=(8, 4)):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(folder / f"{number}.jpg")
    return [str(folder / f"{number}.jpg") for number in range(count)]


def written(source, paths, out, named="stripes:4"):
    return write_part_maps(source, named, paths, [f"a/{n}.png" for n in range(len(paths))], out, silent)


def test_stripes_are_bands_from_the_top():
    maps = named_parts("stripes:4").parts(["a.jpg", "b.jpg"], (8, 3))
    assert maps.shape == (2, 8, 3)
    assert maps[1, :, 2].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert StripeParts(4).names == ("background", "stripe_1", "stripe_2", "stripe_3", "stripe_4")


def test_label_sets_and_keypoints_are_named_by_a_word(tmp_path):
    (tmp_path / "maps").mkdir()
    assert named_parts(f"lip:{tmp_path / 'maps'}").names == (
        *("background", "head", "torso", "arms", "legs", "feet"),
    )
    assert named_parts(f"pascal:{tmp_path / 'maps'}", "own").names[3:5] == ("upper_arms", "lower_arms")
    (tmp_path / "pose.json").write_text(json.dumps({"0.jpg": []}))
    assert named_parts(f"pose:{tmp_path / 'pose.json'}", "common").names[-1] == "feet"


@pytest.mark.parametrize(
    ("text", "merge", "sentence"),
    [
        ("stripes", None, "part labels are named as stripes:NUMBER"),
        ("stripes:", None, "got 'stripes:'"),
        ("lips:x", None, "got 'lips:x'"),
        ("stripes:six", None, "as stripes:6, got 'six'"),
        ("stripes:0", None, "1 to 64 stripes, got 0"),
        ("stripes:99999999999999999999", None, "1 to 64 stripes"),
        ("stripes:6", "common", "no labels to merge"),
        ("world:nowhere", None, "no finished world"),
        ("lip:nowhere", "pascal", "no merge table 'pascal'"),
    ],
)
def test_what_cannot_be_a_source_is_one_sentence(text, merge, sentence):
    with pytest.raises((OptionError, LayoutError), match=sentence):
        named_parts(text, merge)


def test_written_maps_are_read_as_they_were_made(tmp_path):
    paths = images(tmp_path / "in")
    assert written(StripeParts(4), paths, tmp_path / "out") == (3, 0)
    again = label_maps(tmp_path / "out")
    assert again.names == StripeParts(4).names
    assert again.truth.startswith("4 stripes of equal height")
    pose = tmp_path / "pose.json"
    pose.write_text(json.dumps({f"{number}.jpg": [] for number in range(3)}))
    drawn = named_parts(f"pose:{pose}")
    assert written(drawn, paths, tmp_path / "drawn", f"pose:{pose}") == (3, 3)
    assert label_maps(tmp_path / "drawn").truth == drawn.truth
    expected = StripeParts(4).parts(paths, (8, 4))
    np.testing.assert_array_equal(again.parts(paths, (8, 4)), expected)
    with Image.open(tmp_path / "out" / "a" / "0.png") as map_:
        assert tuple(map_.getpalette()[3:6]) == part_color(1)


def test_a_killed_run_goes_on_with_what_is_missing(tmp_path):
    class Dying(StripeParts):
        def parts(self, paths, size):
            if paths[0].endswith("2.jpg"):
                raise KeyboardInterrupt
            return super().parts(paths, size)

    paths = images(tmp_path / "in", 5)
    with pytest.raises(KeyboardInterrupt):
        written(Dying(4), paths, tmp_path / "out")
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "a").iterdir()}
    assert len(times) == 2
    assert written(StripeParts(4), paths, tmp_path / "out") == (3, 0)
    assert all(file.stat().st_mtime_ns == time for file, time in times.items())
    assert len(list((tmp_path / "out" / "a").iterdir())) == 5


def test_maps_of_another_source_are_not_mixed_in(tmp_path):
    paths = images(tmp_path / "in")
    written(StripeParts(4), paths, tmp_path / "out")
    with pytest.raises(LayoutError, match="another source or other settings"):
        written(StripeParts(5), paths, tmp_path / "out", "stripes:5")
    (tmp_path / "out" / "parts.json").write_text("{")
    with pytest.raises(StorageError, match="is damaged"):
        written(StripeParts(4), paths, tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(OptionError, match="is not empty"):
        written(StripeParts(4), paths, tmp_path / "other")
    assert [file.name for file in (tmp_path / "other").iterdir()] == ["letter.txt"]


def test_two_images_cannot_have_one_map(tmp_path):
    with pytest.raises(LayoutError, match=r"a\.jpg and a\.png would have one part map a\.png"):
        write_part_maps(StripeParts(2), "stripes:2", ["a.jpg", "a.png"], ["a.png"] * 2, tmp_path, silent)


def test_the_background_is_black_and_the_first_twelve_parts_differ():
    assert part_color(0) == (0, 0, 0)
    assert len({part_color(part) for part in range(13)}) == 13
    assert part_color(13) == part_color(1)
