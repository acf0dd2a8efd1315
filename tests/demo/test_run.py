import json
import sys

import pytest
import torch
from PIL import Image

import glimpse.demo
from glimpse.choices import Size
from glimpse.cli import main
from glimpse.demo import run_demo
from glimpse.demo.run import NETWORK
from glimpse.models.factory import NetworkCard, build_network
from glimpse.retriever import NetworkEncoder, Retriever


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Micro networks are slower on two threads, and much slower on busy machines."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What a first run leaves, and what it told."""
    told = []
    folder = tmp_path_factory.mktemp("demo")
    return run_demo(folder, scale="tiny", say=told.append), folder, told


def test_the_demo_leaves_a_world_figures_images_and_a_page(left):
    demo, folder, told = left
    assert Image.open(demo.image).size[0] > 500
    assert list(demo.results) == ["color histogram", f"{NETWORK}, cosine", f"{NETWORK}, masked cosine"]
    assert all(name in demo.table for name in demo.results)
    assert "chance: rank-1" in demo.table
    assert 0 < demo.results["color histogram"].mean_ap < demo.results[f"{NETWORK}, cosine"].mean_ap <= 1
    page = demo.page.read_text(encoding="utf-8")
    assert demo.page == folder / "report.html"
    assert demo.table.splitlines()[1] in page
    for name in ("query-1-support", "query-6-lists", "query-6-seen", "kept-dimensions"):
        assert (folder / f"{name}.png").is_file()
    assert "Synthetic occlusions" in page
    assert not any("already there" in line for line in told)


def test_a_second_run_finds_the_world_and_a_network_with_masks_is_measured_with_them(left, tmp_path):
    demo, folder, _ = left
    card = NetworkCard("dpm", Size.MICRO, (64, 32), similarity="masked-cosine", options={"mask": "static"})
    Retriever.of_network(NetworkEncoder(build_network(card), card)).save(tmp_path / "masked")
    told = []
    again = run_demo(folder, scale="tiny", retriever=tmp_path / "masked", say=told.append)
    assert sum("already there" in line for line in told) == 1
    assert list(again.results) == ["color histogram", "masked, cosine", "masked, masked cosine"]
    assert again.table.splitlines()[1].split() == demo.table.splitlines()[1].split()
    assert (folder / "kept-dimensions.png").is_file()
    assert "What the masks keep" in again.page.read_text(encoding="utf-8")


def test_a_demo_that_cannot_write_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sys, "argv", ["glimpse", "demo", "--out", str(tmp_path / "file"), "--scale", "tiny"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_figures_can_be_had_as_json_alone(left, monkeypatch, capsys):
    demo, folder, _ = left

    def again(out, *, scale, seed, say):
        assert (out, scale, seed) == (folder, "tiny", 0)
        say("the world is already there")
        return demo

    monkeypatch.setattr(glimpse.demo, "run_demo", again)
    monkeypatch.setattr(sys, "argv", ["glimpse", "demo", "--out", str(folder), "--scale", "tiny", "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["page"] == str(folder / "report.html")
    assert told["results"]["color histogram"]["map"] == pytest.approx(demo.results["color histogram"].mean_ap)
    assert "already there" in printed.err
