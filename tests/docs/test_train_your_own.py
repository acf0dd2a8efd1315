"""The learner's path, followed word for word."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from glimpse.retriever import Retriever

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path by itself

PAGE = (Path(__file__).parents[2] / "docs" / "train-your-own.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def kept_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_every_command_and_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    from console import run_page

    monkeypatch.chdir(tmp_path)
    outputs, _ = run_page(PAGE, monkeypatch, capsys)
    printed = dict(outputs)
    assert len(printed) == len(outputs) == 15

    def of(start):
        return next(output for text, output in printed.items() if text.startswith(start))

    assert "no problems" in of("glimpse datasets check")
    trained = of("glimpse train bot")
    assert "started from the weights in resnet-micro" in trained

    def rank_1(retriever):
        return float(of(f"glimpse evaluate {retriever}").splitlines()[2].split()[4])

    assert rank_1("colors") < rank_1("resnet-micro") < rank_1("runs/people/best")
    resumed = next(output for text, output in printed.items() if text.endswith("--resume"))
    assert resumed.splitlines()[1:] == trained.splitlines()[1:]
    assert "cosine, k-reciprocal" in of("glimpse evaluate runs/people/best")
    assert len(list(Path("results/people").iterdir())) == 2
    assert "| started | best | 2 |" in of("glimpse ablation")
    assert Path("ablations/start/ablation.md").is_file()
    answers = re.findall(r"^(0\.\d+|1\.000)  people/gallery/person-\d+/", of("from pathlib"), flags=re.M)
    assert answers == sorted(answers, reverse=True)
    assert len(answers) == 5
    # what is exported and imported again finds the same people
    own, back = (
        of(f"glimpse evaluate runs/{name}").splitlines()[2].split() for name in ("people", "imported")
    )
    assert own[1:5] == back[1:5]
    card = json.loads(Path("runs/imported/card.json").read_text())["encoder"]
    network = Retriever.load("runs/people/best").encoder.card
    assert (card["mean"], card["std"]) == (list(network.mean), list(network.std))
    assert card["interpolation"] == network.interpolation.value
