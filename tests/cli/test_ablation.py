"""`glimpse ablation` reads its arms, trains, measures and prints its table."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from glimpse.cli import main

SHORT = "weights=none,epochs=1,sampler.persons=4,sampler.images=2,validation.share=0.34"


@pytest.fixture
def run(monkeypatch, capsys):
    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", "ablation", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return running


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Twice persons by two cameras: to train on, a folder per person; and without training images."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for part, persons in (("own/train", range(6)), ("own/query", (7, 8)), ("own/gallery", (7, 8))):
        for person in persons:
            folder = root / part / f"person-{person}"
            folder.mkdir(parents=True)
            color = np.random.default_rng(person).integers(0, 256, 3)
            for camera in (1, 2):
                pixels = (color + random.integers(-60, 61, (64, 32, 3))).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"cam{camera}_0.png")
    for kind in ("partial", "whole"):
        (root / "partial" / f"{kind}_body_images").mkdir(parents=True)
        for person in (1, 2, 3):
            pixels = random.integers(0, 256, (64, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "partial" / f"{kind}_body_images" / f"{person:03d}_001.png")
    return root


def test_it_trains_on_one_data_set_and_measures_on_several(run, folders, tmp_path):
    command = [
        *("--train", f"folder:{folders / 'own'}", "--data", f"partial_reid:{folders / 'partial'}"),
        *("--data", f"folder:{folders / 'own'}", "--reader", r"camera-pattern=cam(\d+)_"),
        *("--arm", f"plain=bot:{SHORT}", "--baseline", "colors", "--seeds", "3", "--threads", "1"),
        *("--out", tmp_path / "out"),
    ]
    code, out, err = run(*command, "--json")
    assert code == 0, err
    held = json.loads(out)
    shown = [(row["data"], row["protocol"], row["name"], row["network"]) for row in held["arms"]]
    networks = [("plain", "final"), ("plain", "best"), ("colors", "untrained")]
    places = [("partial_reid", "partial"), ("folder", "test")]
    assert shown == [(*place, *network) for place in places for network in networks]
    assert held["trained_on"] == f"folder:{folders / 'own'}"
    assert held["command"].startswith("glimpse ablation --train folder:")
    assert "plain, seed-3: training" in err
    assert "problem in partial_reid" in err
    code, out, err = run(*command)
    assert (code, out) == (0, (tmp_path / "out" / "ablation.md").read_text())
    assert "plain, seed-3: trained before" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--arm", "bot"], "an arm is given as NAME=METHOD"),
        (["--arm", "a=bot", "--seeds", "x"], "seeds are whole numbers"),
        (["--arm", "a=bot", "--arm", "a=bot"], "two arms are called a"),
        (["--arm", "a=bot", "--reader", "camera=3"], "no data set of this ablation has the option 'camera'"),
        (["--arm", "a=bot"], "no training rows: name another one with --train"),
        (["--arm", "a=bot", "--threads", "0"], "--threads must be from 1 to "),
    ],
)
def test_bad_input_is_one_sentence(run, folders, tmp_path, arguments, sentence):
    data = ("--data", f"partial_reid:{folders / 'partial'}")
    code, _, err = run(*data, *arguments, "--out", tmp_path / "out")
    assert code == 2
    assert sentence in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
