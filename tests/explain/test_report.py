"""A report on disk: one page that needs no other file, and a file for each image."""

import base64
import io
from html.parser import HTMLParser

import pytest
from PIL import Image

from glimpse.errors import OptionError, StorageError
from glimpse.explain import Figure, Report, Section, ready

EVIL = "<script>alert(\"x\")</script> & 'quotes' \udcff"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def report(name="one"):
    image = Image.new("RGB", (6, 4), (200, 10, 10))
    figures = (Figure(name, image, EVIL, EVIL), Figure("two", image, "plain"))
    return Report(EVIL, {EVIL: EVIL}, (Section(EVIL, (EVIL,), figures, EVIL), Section("bare")))


def test_the_page_holds_its_images_and_asks_nobody_for_anything(tmp_path):
    page = report().save(tmp_path / "new" / "folder").read_text(encoding="utf-8")
    found = Tags()
    found.feed(page)
    assert found.open == []
    images = [attrs for tag, attrs in found.tags if tag == "img"]
    assert len(images) == 2
    for attrs in images:
        head, data = attrs["src"].split(",")
        assert head == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (6, 4)
        assert attrs["alt"]
    for tag, attrs in found.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert not set(attrs) & {"href", "onload", "onclick"}
    assert "http" not in page


def test_words_of_any_origin_stay_words(tmp_path):
    page = report().save(tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page
    found = Tags()
    found.feed(page)
    shown = EVIL.replace("\udcff", "?")
    assert found.words.count(shown) == 8  # title twice, fact twice, heading, paragraph, table, caption
    assert [attrs["alt"] for tag, attrs in found.tags if tag == "img"] == [shown, "plain"]


def test_the_page_is_made_for_telephones_and_for_the_dark(tmp_path):
    page = report().save(tmp_path).read_text(encoding="utf-8")
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme:dark" in page
    assert '<html lang="en">' in page


def test_every_image_is_a_file_too_and_nothing_else_is_left(tmp_path):
    again = report()
    again.save(tmp_path)
    again.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "report.html", "two.png"]
    assert Image.open(tmp_path / "one.png").getpixel((0, 0)) == (200, 10, 10)


def test_a_folder_that_cannot_be_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="cannot write"):
            ready(folder)
    ready(tmp_path / "good")
    assert [path.name for path in (tmp_path / "good").iterdir()] == ["report.html"]
    assert b"not finished" in (tmp_path / "good" / "report.html").read_bytes()
    ready(tmp_path / "good")  # a report that was begun may be made again


def test_a_folder_of_other_files_is_refused_and_an_earlier_report_stays_until_the_next(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(OptionError, match="is not empty, and no report is there to replace"):
        ready(tmp_path)
    (tmp_path / "report.html").write_bytes(b"earlier")
    ready(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == b"earlier"
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"
