"""A calibration keeps the wanted rate, errs on the safe side, and comes back from its file."""

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation import Calibration, Roc, calibrate, roc


@pytest.fixture
def curve(rng):
    protocol = cases.protocol(rng, queries=300, gallery=300, persons=40)
    same = protocol.query.person[:, None] == protocol.gallery.person
    return roc(cases.scores(rng, protocol) + 1.5 * same, protocol)


@pytest.mark.parametrize("wanted", [0.001, 0.01, 0.1, 1.0])
def test_a_calibration_keeps_the_wanted_rate(curve, wanted):
    calibration = calibrate(curve, wanted, "random scores")
    point = np.flatnonzero(curve.thresholds == calibration.threshold)
    assert len(calibration.thresholds) <= 1024 < len(curve.thresholds)
    assert curve.false_match[point] <= wanted
    assert curve.true_match[point] == curve.true_match_at(wanted)
    assert calibration.same_person(calibration.threshold)
    assert not calibration.same_person(np.nextafter(calibration.threshold, -np.inf))


def test_rates_of_a_score_err_on_the_safe_side(curve, rng):
    calibration = calibrate(curve, 0.01)
    for score in [*rng.normal(0.5, 2, 200), *curve.thresholds[::50], -np.inf, np.inf]:
        exact = curve.false_match[curve.thresholds <= score]
        assert calibration.false_match_rate(score) >= (exact[0] if len(exact) else 1)
        above = curve.true_match[curve.thresholds >= score]
        assert calibration.true_match_rate(score) <= (above[-1] if len(above) else 0)
    assert calibration.false_match_rate(1e9) == 1 / curve.impostors
    assert calibration.false_match_rate(-1e9) == 1


def test_rates_fall_as_scores_rise(curve):
    calibration = calibrate(curve, 0.01)
    rates = [calibration.false_match_rate(score) for score in np.linspace(-5, 5, 100)]
    assert rates == sorted(rates, reverse=True)


def test_a_calibration_comes_back_from_its_file(tmp_path, curve):
    calibration = calibrate(curve, 0.01, "cosine on the test set")
    calibration.save(tmp_path / "calibration.json")
    again = Calibration.load(tmp_path / "calibration.json")
    assert again.as_dict() == calibration.as_dict()
    assert again.at(0.1).threshold == calibrate(curve, 0.1).threshold < calibration.threshold


@pytest.mark.parametrize(
    "damage",
    [{"thresholds": []}, {"false_match": [1.0]}, {"thresholds": "text"}, {"impostors": 0}, {"wanted": None}],
)
def test_a_damaged_calibration_is_refused(curve, damage):
    with pytest.raises(StorageError, match="not a whole calibration"):
        Calibration.from_dict({**calibrate(curve, 0.01).as_dict(), **damage})


def test_a_rate_that_too_few_impostors_can_show_is_refused(curve):
    for wanted in (0.5 / curve.impostors, 0, 1.5):
        with pytest.raises(OptionError, match="impostor pairs"):
            calibrate(curve, wanted)
    with pytest.raises(ShapeError, match="nan"):
        calibrate(curve, 0.1).same_person(float("nan"))


def test_a_rate_that_no_threshold_has_is_refused():
    upside_down = Roc(np.array([0.1]), np.array([1.0]), np.array([0.9]), 1, 10)
    with pytest.raises(OptionError, match=r"no threshold has a false-match rate of 0\.5"):
        calibrate(upside_down, 0.5)
