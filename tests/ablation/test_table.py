"""The table of an ablation, as JSON and as a page."""

import json

import pytest

from glimpse.ablation.summary import ablation_rows
from glimpse.ablation.table import About, ablation_json, ablation_markdown
from glimpse.evaluation.intervals import over_seeds

ABOUT = About(
    command="glimpse ablation",
    commit="abc",
    hardware="a slide rule",
    seeds=(0, 1),
    trained_on="market1501:m",
    data={"market": ("market1501", "m"), "duke": ("occluded_duke", "d")},
    arms={"low": "bot", "high": "bot with ibn=true"},
)


def test_json_holds_what_evidence_must_hold(measurements):
    held = ablation_json(ABOUT, ablation_rows(measurements, "low"), "low")
    assert json.loads(json.dumps(held, allow_nan=False)) == held
    assert {"command", "commit", "hardware", "seeds", "arms", "claims"} <= set(held)
    row = held["arms"][2]
    assert (row["name"], row["layout"], row["network"]) == ("high", "market1501", "final")
    assert row["rank1"] == over_seeds([0.50, 0.74]).to_json()
    assert row["gain"]["map"] == pytest.approx(over_seeds([0.05, 0.07]).to_json())
    assert row["of_seeds"]["rank1"] == [0.50, 0.74]
    assert held["arms"][5]["rank1"] == [0.10, None, None]


def test_claims_hold_only_where_the_whole_interval_is_above_zero(measurements):
    claims = {
        c["claim"]: c for c in ablation_json(ABOUT, ablation_rows(measurements, "low"), "low")["claims"]
    }
    sure = claims["high has a higher Rank-1 than low on market, protocol test, best network"]
    assert (sure["holds"], sure["value"][0]) == (True, pytest.approx(0.1))
    unsure = claims["high has a higher Rank-1 than low on market, protocol test, final network"]
    assert (unsure["holds"], unsure["value"][1] < 0 < unsure["value"][0]) == (False, True)
    assert not any("colors" in claim for claim in claims)


def test_the_page_shows_intervals_gains_and_skipped_queries(measurements):
    page = ablation_markdown(ABOUT, ablation_rows(measurements, "low"), "low")
    assert "## market: market1501 in m, protocol test" in page
    assert "Student's t" in page
    rows = [line for line in page.splitlines() if line.startswith("| high | best")]
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert cells[:3] == ["high", "best", "2"]
    assert cells[3] == "63.0 [-76.8, 202.8]"
    assert cells[6] == "+10.0 [+10.0, +10.0]"
    assert cells[-2:] == ["10-11", "0-1"]
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert len(widths) == 1
