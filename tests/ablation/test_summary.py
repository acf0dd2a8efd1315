"""Measurements become rows: places together, gains seed by seed over the first arm."""

import json

import numpy as np
import pytest

from glimpse.ablation.summary import BEST, FINAL, UNTRAINED, Measurement, Place, ablation_rows, measurement
from glimpse.ablation.table import About, ablation_json, ablation_markdown
from glimpse.evaluation import evaluate
from glimpse.evaluation.intervals import over_seeds
from glimpse.protocols import without_cameras
from glimpse.records import Records

HERE, THERE = Place("market", "test"), Place("duke", "test")
ABOUT = About(
    command="glimpse ablation",
    commit="abc",
    hardware="a slide rule",
    seeds=(0, 1),
    trained_on="market1501:m",
    data={"market": ("market1501", "m"), "duke": ("occluded_duke", "d")},
    arms={"low": "bot", "high": "bot with ibn=true"},
)


def one(arm, network, seed, value, place=HERE):
    values = {"rank1": value, "map": value / 2, "minp": value / 4}
    return Measurement(arm, network, seed, place, values, (10, 11), (1, 0))


@pytest.fixture
def measurements():
    return [
        one("low", FINAL, 0, 0.40),
        one("low", FINAL, 0, 0.10, THERE),
        one("low", BEST, 0, 0.42),
        one("low", FINAL, 1, 0.60),
        one("low", BEST, 1, 0.64),
        one("high", FINAL, 0, 0.50),
        one("high", BEST, 0, 0.52),
        one("high", FINAL, 1, 0.74),
        one("high", BEST, 1, 0.74),
        one("colors", UNTRAINED, None, 0.2),
    ]


def test_rows_are_means_over_seeds_and_places_stay_together(measurements):
    rows = ablation_rows(measurements, "low")
    names = [(row.place, row.arm, row.network, row.seeds) for row in rows]
    assert names == [
        (HERE, "low", FINAL, (0, 1)),
        (HERE, "low", BEST, (0, 1)),
        (HERE, "high", FINAL, (0, 1)),
        (HERE, "high", BEST, (0, 1)),
        (HERE, "colors", UNTRAINED, ()),
        (THERE, "low", FINAL, (0,)),
    ]
    assert rows[0].values["rank1"] == over_seeds([0.40, 0.60])
    assert rows[0].values["map"] == over_seeds([0.20, 0.30])
    assert (rows[0].valid, rows[0].skipped) == ((10, 11), (1, 0))


def test_gains_are_paired_with_the_same_network_of_the_first_arm(measurements):
    first, first_best, final, best, colors, _ = ablation_rows(measurements, "low")
    assert first.gains is None
    assert first_best.gains is None
    assert final.gains["rank1"] == over_seeds([0.50 - 0.40, 0.74 - 0.60])
    assert best.gains["rank1"] == over_seeds([0.52 - 0.42, 0.74 - 0.64])
    assert colors.gains["minp"] == over_seeds([0.05 - 0.10, 0.05 - 0.15])


def test_an_untrained_first_arm_is_the_same_for_every_seed(measurements):
    rows = {(row.arm, row.network, row.place): row for row in ablation_rows(measurements, "colors")}
    assert rows["low", FINAL, HERE].gains["rank1"] == over_seeds([0.40 - 0.2, 0.60 - 0.2])
    assert rows["high", BEST, HERE].gains["rank1"] == over_seeds([0.52 - 0.2, 0.74 - 0.2])
    assert rows["low", FINAL, THERE].gains is None


def test_two_untrained_arms_differ_by_one_number():
    both = [one("a", UNTRAINED, None, 0.2), one("b", UNTRAINED, None, 0.5)]
    assert ablation_rows(both, "a")[1].gains["rank1"].to_json() == [pytest.approx(0.3), None, None]


def test_an_unfinished_ablation_pairs_the_seeds_that_are_there(measurements):
    rows = ablation_rows([m for m in measurements if not (m.arm == "high" and m.seed == 1)], "low")
    high = next(row for row in rows if row.arm == "high" and row.network == FINAL)
    assert high.seeds == (0,)
    assert high.gains["rank1"].to_json() == [pytest.approx(0.1), None, None]


def test_a_result_gives_its_headline():
    queries, searched = Records.from_columns(["q", "r"], [7, 8]), Records.from_columns(["a", "b"], [3, 7])
    result = evaluate(np.array([[0.9, 0.8], [0.1, 0.2]]), without_cameras(queries, searched))
    kept = measurement("low", FINAL, 3, "market", result)
    assert kept.place == Place("market", "test")
    assert kept.values == {"rank1": 0, "map": 0.5, "minp": 0.5}
    assert (kept.valid, kept.skipped) == ((1,), (1,))


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
