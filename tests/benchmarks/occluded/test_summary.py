import numpy as np
import pytest

from benchmarks.occluded.study import ANOTHERS, OWN, PLAIN, STATIC
from benchmarks.occluded.summary import (
    Run,
    Verdict,
    by_seed,
    control_figures,
    known_figures,
    verdict,
    visible_figures,
)
from glimpse.evaluation.intervals import Estimate, over_seeds


def run(test, whole, anothers=None):
    values = {"test": test, "whole": whole}
    controls = {
        name: {OWN: {"rank1": value}}
        | ({} if anothers is None else {c: {"rank1": anothers} for c in (PLAIN, STATIC, ANOTHERS)})
        for name, value in values.items()
    }
    study = {
        "masks": anothers is not None,
        "controls": controls,
        "visible": {"series": {"40": {OWN: {"rank1": test}}}},
        "knows": {"series": {"dropped": test, "entropy": {"whole": 0.5, "occluded": 0.5 + test}}},
    }
    return Run(study, (), {}, 1, {"train": 1}, 1.0, None)


RUNS = {
    "first": {0: run(0.40, 0.70), 1: run(0.42, 0.72), 2: run(0.44, 0.74)},
    "better": {
        0: run(0.50, 0.70, 0.48),
        1: run(0.53, 0.73, 0.50),
        2: run(0.54, 0.73, 0.52),
        7: run(0.1, 0.1, 0.1),
    },
}


def test_gains_are_seed_by_seed_over_the_seeds_that_both_have():
    found = verdict(RUNS, "better", "first")
    assert found.gain == over_seeds([0.50 - 0.40, 0.53 - 0.42, 0.54 - 0.44])
    assert found.whole.mean == pytest.approx((0.0 + 0.01 - 0.01) / 3)
    assert found.over_anothers.runs == 4
    assert (found.gains, found.gains_three, found.keeps_whole) == (True, True, True)


def estimate(mean, reach):
    return Estimate(mean, mean - reach, mean + reach, 3)


@pytest.mark.parametrize(
    ("gain", "some", "three"),
    [
        (estimate(0.05, 0.02), True, True),
        (estimate(0.02, 0.01), True, False),
        (estimate(0.05, 0.06), False, False),
        (estimate(-0.05, 0.01), False, False),
        (Estimate(0.2, None, None, 1), None, None),
        (None, None, None),
    ],
)
def test_a_gain_counts_if_its_interval_excludes_zero(gain, some, three):
    found = Verdict(gain, None, None)
    assert (found.gains, found.gains_three) == (some, three)


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        (estimate(0.001, 0.05), True),
        (estimate(-0.01, 0.015), True),
        (estimate(-0.01, 0.1), None),  # noise as wide as this hides a loss
        (estimate(-0.02, 0.01), False),
        (Estimate(0.2, None, None, 1), None),
        (None, None),
    ],
)
def test_nothing_is_lost_where_noise_does_not_hide_a_loss(whole, kept):
    assert Verdict(None, whole, None).keeps_whole is kept


def test_masks_are_their_own_where_others_are_surely_worse():
    assert Verdict(None, None, estimate(0.02, 0.01)).mask_is_its_own is True
    assert Verdict(None, None, estimate(0.02, 0.03)).mask_is_its_own is False
    assert Verdict(None, None, None).mask_is_its_own is None


def test_figures_that_a_study_has_not_are_left_out():
    assert by_seed(RUNS["first"], "controls", "test", ANOTHERS, "rank1") == {}
    found = control_figures(RUNS["first"], "test", "rank1")
    assert found[OWN].runs == 3
    assert found[f"over {ANOTHERS}"] is None
    assert control_figures(RUNS["better"], "test", "rank1")[f"over {PLAIN}"].runs == 4


def test_gains_are_told_for_each_visible_fraction():
    found = visible_figures(RUNS, "better", "first", "series", "rank1")
    assert found["40"]["gain"].mean == pytest.approx(np.mean([0.10, 0.11, 0.10]))
    assert found["100"] == {"value": None, "gain": None}
    assert visible_figures(RUNS, "first", "first", "series", "rank1")["40"]["gain"] is None


def test_entropies_of_occluded_and_whole_images_are_compared_seed_by_seed():
    found = known_figures(RUNS["first"], "series")
    assert found["entropy, occluded - whole"].mean == pytest.approx(0.42)
    assert found["dropped"].runs == 3
    assert found["stripes, pooled"] is None
