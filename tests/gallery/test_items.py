"""Images on their way in: rows, identity, thumbnails."""

import hashlib
import io
import os

import numpy as np
import pytest
from galleries import some
from PIL import Image

from glimpse.errors import BrokenImageError, LayoutError, OptionError, RecordsError
from glimpse.gallery.items import (
    content_id,
    embedding_id,
    records_of,
    rows_of,
    stored_records,
    thumbnail,
    told_by_names,
)
from glimpse.records import JUNK, NO_MODALITY, Records


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.png", "a/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 8), "red").save(tmp_path / name)
    return tmp_path


def test_folders_and_files_become_rows_once_each(folder, monkeypatch):
    monkeypatch.chdir(folder)
    records = records_of(["a", "b/2.png", "a/1.png"], {"camera": 3, "source": "door", "time": None})
    assert records.path.tolist() == [str(folder / "a/1.png"), str(folder / "b/2.png")]
    assert (records.camera.tolist(), set(records.person), set(records.modality)) == (
        [3, 3],
        {JUNK},
        {NO_MODALITY},
    )
    assert records.column("source").tolist() == ["door", "door"]
    assert records.column("track").tolist() == ["", ""]
    (folder / "empty").mkdir()
    with pytest.raises(LayoutError, match="no images"):
        records_of(folder / "empty", {})


def test_records_bring_their_tracks_and_captions_are_refused():
    given = Records.from_columns(["/a"], [1], extra={"tracklet": [5], "frame": [9]})
    assert records_of(given, {}).column("track").tolist() == ["5"]
    assert set(records_of(given, {}).extra) == {"track", "source"}
    assert records_of(given, {"track": "x"}).column("track").tolist() == ["x"]
    with pytest.raises(RecordsError, match="captions"):
        records_of(Records.from_columns(["/a"], [1], modality="text", caption="a coat"), {})
    with pytest.raises(RecordsError, match="a name per row"):
        records_of(Records.from_columns(["/a"], [1], extra={"track": np.zeros((1, 2))}), {})


def test_an_image_is_known_by_its_content(folder):
    wanted = hashlib.sha256((folder / "a/1.png").read_bytes()).hexdigest()
    assert content_id(str(folder / "a/1.png")) == wanted == content_id(str(folder / "b/2.png"))
    vector = np.arange(3, dtype=np.float32)
    assert embedding_id("x", vector) != embedding_id("y", vector) != embedding_id("y", vector + 1)


@pytest.mark.parametrize(
    ("path", "reason"), [("/no/file", "there is no such file"), ("/tmp", "it is a folder")]
)
def test_what_cannot_be_read_is_a_broken_image(path, reason):
    with pytest.raises(BrokenImageError, match=reason):
        content_id(path)


def test_pipes_are_not_waited_for_and_names_without_text_are_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BrokenImageError, match="not a regular file"):
        content_id(str(tmp_path / "pipe"))
    for identify in (content_id, lambda path: embedding_id(path, np.zeros(1))):
        with pytest.raises(BrokenImageError, match="no valid UTF-8"):
            identify("people/\udcff.png")


def test_rows_and_records_say_the_same():
    records, embeddings = some(6)
    table = rows_of(records, ["x"] * 6, embeddings, 10, [None] * 6)
    assert table.column("added").to_pylist() == [10, 11, 12, 13, 14, 15]
    assert table.column("time").null_count == 1
    assert stored_records(table) == records


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", "no regular expression"),
        (r"(\d+)", "must name groups"),
        (r"(?P<color>\d+)", "must name groups"),
        (r"x(?P<camera>\d+)", "fits no image's name, such as 0007_c2.jpg"),
        (r"_(?P<camera>c\d)", "the camera of 0007_c2.jpg must be a number, got 'c2'"),
    ],
)
def test_patterns_that_tell_nothing_are_refused(pattern, sentence):
    with pytest.raises(OptionError, match=sentence):
        told_by_names(Records.from_columns(["/a/0007_c2.jpg"], JUNK), pattern)


def test_names_tell_tracks():
    records = told_by_names(Records.from_columns(["/a/t9.jpg", "/a/x.jpg"], JUNK), r"t(?P<track>\d)")
    assert records_of(records, {}).column("track").tolist() == ["9", ""]


def test_a_blurred_thumbnail_has_no_sharp_head(tmp_path):
    board = np.indices((200, 100)).sum(0) // 4 % 2 * 255
    Image.fromarray(np.repeat(board[..., None], 3, 2).astype(np.uint8)).save(tmp_path / "board.png")
    plain, blurred = (
        np.asarray(Image.open(io.BytesIO(thumbnail(str(tmp_path / "board.png"), kind))), float)
        for kind in ("plain", "blurred")
    )
    assert plain.shape == blurred.shape == (128, 64, 3)
    head, body = slice(0, 22), slice(30, None)
    assert plain[head].std() > 60
    assert blurred[head].std() < 20
    np.testing.assert_allclose(blurred[body], plain[body], atol=40)
    with pytest.raises(OptionError, match="thumbnails are none, plain, blurred"):
        thumbnail("x", "tiny")
