import sys

import pytest
from PIL import Image

from glimpse.cli import main
from glimpse.demo import run_demo
from glimpse.demo.run import NETWORK


def test_the_demo_leaves_a_world_figures_and_a_picture_and_can_be_run_again(tmp_path, capsys):
    told = []
    first = run_demo(tmp_path, scale="tiny", say=told.append)
    assert first.picture.is_file()
    assert Image.open(first.picture).size[0] > 500
    assert list(first.results) == ["colour histogram", NETWORK, f"{NETWORK}, k-reciprocal"]
    assert all(name in first.table for name in first.results)
    assert "chance: rank-1" in first.table
    assert 0 < first.results["colour histogram"].mean_ap < first.results[NETWORK].mean_ap <= 1
    again = run_demo(tmp_path, scale="tiny", say=told.append)
    assert again.table == first.table
    assert sum("already there" in line for line in told) == 1


def test_a_demo_that_cannot_write_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sys, "argv", ["glimpse", "demo", "--out", str(tmp_path / "file"), "--scale", "tiny"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
