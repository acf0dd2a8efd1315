"""Measurements become rows: places together, gains seed by seed over the first arm."""

import numpy as np
import pytest
from made_up import HERE, THERE, one

from glimpse.ablation.summary import BEST, FINAL, UNTRAINED, Place, ablation_rows, measurement
from glimpse.evaluation import evaluate
from glimpse.evaluation.intervals import over_seeds
from glimpse.protocols import without_cameras
from glimpse.records import Records


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
