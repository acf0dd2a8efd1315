"""The JSON of the caption sets, and the rows that become of it."""

import json
from pathlib import Path

import pytest

from glimpse.datasets.captions import Entry, caption_rows, image_rows, read_entries
from glimpse.errors import LayoutError

GOOD = {"id": 3, "split": "train", "file_path": "a/1.jpg", "captions": ["A man.", "In red."]}


def entries_of(tmp_path, content):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(content))
    return read_entries(path)


def test_entries_are_sorted_by_image_under_either_key(tmp_path):
    other = {"id": 0, "split": "test", "img_path": "a/0.jpg", "captions": "A woman."}
    assert entries_of(tmp_path, [GOOD, other]) == [
        Entry(0, "a/0.jpg", ("A woman.",), "test"),
        Entry(3, "a/1.jpg", ("A man.", "In red."), "train"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "must hold a list of images, got dict"),
        (["a"], "entry 0 must be an object, got str"),
        ([GOOD, {**GOOD, "split": "dev"}], "entry 1: split must be train, val or test, got 'dev'"),
        ([{**GOOD, "file_path": ""}], "expected an image under file_path or img_path"),
        ([{**GOOD, "file_path": "../1.jpg"}], "lies outside the data set"),
        ([{**GOOD, "file_path": "/1.jpg"}], "lies outside the data set"),
        ([{**GOOD, "id": True}], "id must be a whole number from 0, got True"),
        ([{**GOOD, "id": -1}], "id must be a whole number from 0, got -1"),
        ([{**GOOD, "captions": []}], r"expected a list of captions, got \[\]"),
        ([{**GOOD, "captions": [" "]}], "a caption must be a sentence, got ' '"),
        ([GOOD, GOOD], r"lists the image a/1\.jpg twice"),
    ],
)
def test_what_is_wrong_is_named_by_entry(tmp_path, content, sentence):
    with pytest.raises(LayoutError, match=sentence):
        entries_of(tmp_path, content)


def test_images_have_a_row_each_and_captions_another():
    entries = [Entry(3, "a/1.jpg", ("A man.", "In red."), "train"), Entry(0, "a/0.jpg", ("She.",), "train")]
    images, captions = (rows(entries, Path("imgs")) for rows in (image_rows, caption_rows))
    assert images.path.tolist() == ["imgs/a/1.jpg", "imgs/a/0.jpg"]
    assert captions.path.tolist() == ["imgs/a/1.jpg", "imgs/a/1.jpg", "imgs/a/0.jpg"]
    assert captions.person.tolist() == [3, 3, 0]
    assert captions.caption.tolist() == ["A man.", "In red.", "She."]
    assert set(captions.modality.tolist()) == {"text"}
