"""The whole way, with trainings of one epoch."""

import json
import sys

import pytest

from benchmarks.partial_and_parts import __main__ as command


def call(monkeypatch, folder, *words):
    arguments = ["--work", folder, "--evidence", folder / "evidence", "--threads", 1, "--epochs", 1]
    arguments += ["--scale", "tiny", "--worlds", 7, "--seeds", 0, 1, *words]
    monkeypatch.setattr(sys, "argv", ["partial_and_parts", *map(str, arguments)])
    command.main()
    page = (folder / "evidence" / "partial-and-parts.md").read_text()
    return page, json.loads((folder / "evidence" / "partial-and-parts.json").read_text())


def test_it_trains_measures_and_writes_what_is_there(tmp_path, monkeypatch):
    some = "sets/euclidean", "sets/jaccard", "parts/truth", "parts/stripes"
    page, values = call(monkeypatch, tmp_path, "--only", *some)
    assert str(tmp_path) not in page + json.dumps(values)
    found = {(one["name"], one["layout"]) for one in values["arms"]}
    assert {("Euclidean", "whole"), ("+ conflict penalty (MoS)", "occluded")} <= found
    assert {("SAP, parsing truth", "occluded"), ("SAP, parsing truth", "whole")} <= found
    assert values["seeds"] == [0, 1]
    verdicts = {one["claim"]: one for one in values["verdicts"]}
    assert verdicts["MoS, partial: training by it gains more"]["value"] is not None
    assert verdicts["SAP, occluded: patches gain"]["holds"] is None
    assert "| MoS, partial: it beats BoT | " in page
    figures = values["studies"]["micro/sets/euclidean/seed-0"]["figures"]["partial"]
    # the penalty was not fitted to this one: its own way is the Jaccard coefficient
    assert figures["own"] == figures["jaccard"] != figures["neck"]
    assert sum(part["queries"] for part in figures["own"]["by_visible"].values()) == figures["own"]["valid"]

    assert set(values["studies"]["micro/parts/stripes/seed-0"]["locality"]) == {"whole", "own", "both"}
    assert "How local are the parts?" in page

    # the same command does nothing twice, and says the same
    monkeypatch.setattr(command, "fit", lambda *a, **k: pytest.fail("trained before"))
    assert call(monkeypatch, tmp_path, "--only", *some)[0] == page

    # a run by another recipe is no arm of this page any more
    record = tmp_path / "runs" / "micro" / "parts" / "truth" / "seed-0" / "run.json"
    changed = record.read_text().replace('"sharpness": 0.05', '"sharpness": 0.06')
    assert changed != record.read_text()
    record.write_text(changed)
    values = call(monkeypatch, tmp_path, "--only", "sets/jaccard")[1]
    truth = next(one for one in values["arms"] if one["name"] == "SAP, parsing truth")
    assert truth["seeds"] == [1]
