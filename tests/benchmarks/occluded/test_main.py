"""The whole way, with a training of one epoch."""

import json
import shutil
import sys

import pytest

from benchmarks.occluded import __main__ as command
from glimpse.ablation import run as running


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory):
    work = tmp_path_factory.mktemp("proof")
    shutil.copytree(world, work / "worlds" / "occluded_duke")
    return work


def call(monkeypatch, folder, *words):
    arguments = ["--work", folder, "--evidence", folder / "evidence", "--threads", 1, "--epochs", 1, *words]
    monkeypatch.setattr(sys, "argv", ["occluded", *map(str, arguments)])
    monkeypatch.setattr(command, "git_commit", lambda folder: "abc")  # somebody may commit meanwhile
    command.main()
    page = (folder / "evidence" / "occluded.md").read_text()
    return page, json.loads((folder / "evidence" / "occluded.json").read_text())


def test_it_trains_measures_and_writes_what_is_there(folder, monkeypatch, capsys):
    call(monkeypatch, folder, "--only", "dpm++", "--seeds", 0)
    page, values = call(monkeypatch, folder, "--only", "baseline", "--seeds", 0, 1)
    assert str(folder) not in page + json.dumps(values)
    assert [row["name"] for row in values["arms"] if row["protocol"] == "whole"] == ["baseline"] * 2 + [
        "dpm++"
    ] * 2
    assert set(values["controls"]) == {"dpm++"}
    assert {name: set(of) for name, of in values["studies"].items()} == {
        "baseline": {"0", "1"},
        "dpm++": {"0"},
    }
    assert {run["epochs"] for run in values["runs"].values()} == {1}
    for part in ("## Verdict", "## 1.", "## 2.", "## 3.", "## 4.", "| baseline | final | 2 |", "**dpm++**"):
        assert part in page
    assert "All arms are trained for 1 epochs" in page
    # the figures of the study are those of the ablation
    for row in values["arms"]:
        if row["network"] == "final":
            of_study = [
                values["studies"][row["name"]][str(seed)]["controls"][row["protocol"]]["own mask"]["rank1"]
                for seed in row["seeds"]
            ]
            assert of_study == pytest.approx(row["of_seeds"]["rank1"])

    # the same command does nothing twice, and says the same
    monkeypatch.setattr(running, "fit", lambda *a, **k: pytest.fail("trained before"))
    assert call(monkeypatch, folder, "--only", "baseline", "--seeds", 0, 1)[0] == page

    # a run by another recipe is no arm of this ablation any more
    record = folder / "arms" / "baseline" / "runs" / "baseline" / "seed-0" / "run.json"
    changed = record.read_text().replace('"margin": 0.3', '"margin": 0.4')
    assert changed != record.read_text()
    record.write_text(changed)
    values = call(monkeypatch, folder, "--only", "dpm++", "--seeds", 0)[1]
    assert set(values["studies"]["baseline"]) == {"1"}
    assert set(values["studies"]["dpm++"]) == {"0"}
