"""`glimpse explain`: images and a page, or one sentence."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from glimpse.cli import main


@pytest.fixture(autouse=True)
def one_thread():
    """Micro networks are slower on two threads, and much slower on busy machines."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path):
    """Three persons, three images each."""
    rng = np.random.default_rng(0)
    for person in range(3):
        for image in range(3):
            path = tmp_path / "people" / f"{person}" / f"{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (40, 20, 3), dtype=np.uint8)).save(path)
    return tmp_path / "people"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", "explain", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, capsys.readouterr()

    return running


def test_queries_of_a_data_set_become_images_and_a_page(run, data, tmp_path):
    code, printed = run("vit-micro", "--data", f"folder:{data}", "--queries", 2, "--out", tmp_path / "seen")
    assert code == 0
    assert printed.out == f"4 images, and all of them in {tmp_path / 'seen' / 'report.html'}\n"
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {
        "report.html",
        *(f"query-{n}-{what}.png" for n in (1, 2) for what in ("support", "lists")),
    }
    page = (tmp_path / "seen" / "report.html").read_text(encoding="utf-8")
    assert "This retriever makes no masks" in page
    assert "two persons with 4 training images each" in page


def test_what_was_written_can_be_had_as_json(run, data, tmp_path):
    out = tmp_path / "seen"
    code, printed = run("vit-micro", "--image", data / "0" / "0.png", "--out", out, "--json")
    assert code == 0
    told = json.loads(printed.out)
    assert told == {"page": str(out / "report.html"), "images": [str(out / "query-1-support.png")]}


def test_a_report_never_mixes_with_other_files(run, data, tmp_path):
    code, printed = run("vit-micro", "--data", f"folder:{data}", "--out", data)
    assert code == 2
    assert "people is the data set" in printed.err
    code, printed = run("vit-micro", "--image", data / "0" / "0.png", "--out", data / "0")
    assert code == 2
    assert "0 is not empty, and no report is there to replace" in printed.err
    assert {path.name for path in (data / "0").iterdir()} == {"0.png", "1.png", "2.png"}


def test_the_same_seed_shows_the_same(run, data, tmp_path):
    for name in ("a", "b"):
        run("colors", "--data", f"folder:{data}", "--queries", 2, "--seed", 3, "--out", tmp_path / name)
    first, again = ((tmp_path / name / "report.html").read_bytes() for name in ("a", "b"))
    assert first == again


def test_images_of_ones_own_need_no_data_set(run, data, tmp_path):
    own = data / "0" / "0.png"
    code, _ = run("vit-micro", "--image", own, "--image", data / "1" / "1.png", "--out", tmp_path / "seen")
    assert code == 0
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {
        "report.html",
        "query-1-support.png",
        "query-2-support.png",
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("vit-micro",), "give --data NAME:DIR, or --image FILE, or both"),
        (("vit-micro", "--image", "a.png", "--queries", 3), "go with --data"),
        (("vit-micro", "--image", "a.png", "--occlusions"), "go with --data"),
        (("vit-micro", "--image", "a.png", "--data", "folder:people", "--queries", 3), "one or the other"),
        (("vit-micro", "--data", "folder:nowhere"), "nowhere"),
        (("vit-micro", "--data", "folder:people", "--protocol", "x"), "has no protocol 'x'"),
        (("vit-micro", "--data", "folder:people", "--queries", 0), "invalid value for '--queries'"),
        (("vit-micro", "--data", "folder:people", "--answers", 0), "invalid value for '--answers'"),
        (("vit-micro", "--data", "folder:people", "--occlusions"), "two persons with 4 training images"),
        (("nobody", "--image", "people/0/0.png"), "there is no retriever nobody"),
        (("vit-micro", "--image", "missing.png"), "cannot use the image missing.png"),
        (("vit-micro", "--image", "broken.png"), "cannot use the image broken.png"),
        (("colors", "--image", "people/0/0.png"), "nothing to show without a data set"),
        (("vit-micro", "--image", "people/0/0.png", "--out", "broken.png"), "cannot write broken.png"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_code_2(run, data, tmp_path, arguments, sentence):
    (tmp_path / "broken.png").write_bytes(b"no image")
    code, printed = run(*arguments)
    assert code == 2
    (line,) = printed.err.splitlines()
    assert sentence in line
    assert printed.out == ""
