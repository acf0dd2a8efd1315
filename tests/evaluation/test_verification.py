"""ROC, open sets and calibration equal what plain loops over all pairs find."""

import dataclasses

import evaluation_cases as cases
import naive_evaluation as naive
import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation import Calibration, Roc, calibrate, open_set, roc
from glimpse.protocols import Cmc, without_cameras
from glimpse.records import Records


def all_pairs(scores, protocol):
    """Scores of genuine and of impostor pairs, by a plain loop."""
    genuine, impostor = [], []
    for trial in protocol.trials:
        comparison = protocol.comparison(trial)
        for q, row in enumerate(comparison.query_rows):
            person = comparison.query_person[q]
            for position, other in naive.ranked_list(scores, protocol, comparison, q):
                score = scores[row, comparison.gallery_rows[position]]
                (genuine if other == person else impostor).append(score)
    return np.array(genuine), np.array(impostor)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["random", "tied", "constant"])
@pytest.mark.parametrize("rule", ["market", "sysu"])
def test_the_curve_equals_a_loop_over_pairs(rng, dtype, kind, rule):
    protocol = cases.protocol(rng, rule=rule, trials=2)
    scores = cases.scores(rng, protocol, kind, dtype)
    curve = roc(scores, protocol)
    genuine, impostor = all_pairs(scores, protocol)
    assert (curve.genuine, curve.impostors) == (len(genuine), len(impostor))
    assert curve.thresholds.tolist() == sorted(set(genuine.tolist()), reverse=True)
    assert curve.true_match.tolist() == [(genuine >= t).mean() for t in curve.thresholds]
    assert curve.false_match.tolist() == [(impostor >= t).mean() for t in curve.thresholds]


def test_tpr_at_fpr_is_the_best_over_all_thresholds(rng):
    protocol = cases.protocol(rng, gallery=200)
    scores = cases.scores(rng, protocol)
    curve = roc(scores, protocol)
    genuine, impostor = all_pairs(scores, protocol)
    everything = [*genuine, *impostor, np.inf]
    for rate in (0, 0.001, 0.01, 0.1, 0.5, 1):
        best = max((genuine >= t).mean() for t in everything if (impostor >= t).mean() <= rate)
        assert curve.true_match_at(rate) == best


def test_the_equal_error_of_separated_scores_is_zero():
    curve = Roc(np.array([0.9, 0.4]), np.array([0.5, 1.0]), np.array([0.0, 0.0]), 2, 4)
    assert curve.equal_error == 0
    assert curve.true_match_at(0) == 1
    with pytest.raises(OptionError, match=r"0\.\.1, got 2"):
        curve.at(2)


def test_verification_needs_both_kinds_of_pairs():
    asked = Records.from_columns(["q"], [7])
    with pytest.raises(OptionError, match="no genuine pair"):
        roc(np.zeros((1, 1)), without_cameras(asked, Records.from_columns(["a"], [3])))
    with pytest.raises(OptionError, match="no impostor pair"):
        roc(np.zeros((1, 1)), without_cameras(asked, Records.from_columns(["a"], [7])))
    with pytest.raises(ShapeError, match="gallery row 1"):
        roc(np.array([[0, np.nan]]), without_cameras(asked, Records.from_columns(["a", "b"], [7, 3])))


@pytest.fixture
def open_protocol(rng):
    return cases.protocol(rng, queries=60, gallery=40, persons=25, trials=2)


@pytest.mark.parametrize("kind", ["random", "tied", "constant"])
@pytest.mark.parametrize("cmc", list(Cmc))
@pytest.mark.parametrize("max_rank", [1, 3, 100])
def test_open_set_rates_equal_plain_searches(rng, open_protocol, kind, cmc, max_rank):
    protocol = dataclasses.replace(open_protocol, cmc=cmc)
    scores = cases.scores(rng, protocol, kind)
    measured = open_set(scores, protocol, max_rank=max_rank)
    for threshold in (-5.0, -1.0, 0.0, 0.7, 1.0, 5.0):
        found, strangers, missed, known = 0, 0, 0, 0
        for trial in protocol.trials:
            comparison = protocol.comparison(trial)
            for q, (row, person) in enumerate(
                zip(comparison.query_rows, comparison.query_person, strict=True)
            ):
                order = naive.ranked_list(scores, protocol, comparison, q)
                values = [scores[row, comparison.gallery_rows[place]] for place, _ in order]
                persons = [other for _, other in order]
                if person in persons:
                    known += 1
                    first = persons.index(person)
                    images = cmc is Cmc.IMAGES
                    rank = first + 1 if images else naive.identity_rank(persons, person)
                    missed += rank > max_rank or values[first] < threshold
                else:
                    strangers += 1
                    found += values[0] >= threshold
        assert measured.false_positive_rate(threshold) == pytest.approx(found / strangers)
        assert measured.false_negative_rate(threshold) == pytest.approx(missed / known)


def test_the_open_set_threshold_keeps_its_promise(rng, open_protocol):
    measured = open_set(cases.scores(rng, open_protocol), open_protocol, max_rank=40)
    for rate in (0, 0.1, 0.5, 1):
        threshold = measured.threshold_at(rate)
        assert measured.false_positive_rate(threshold) <= rate
        lower = measured.known[measured.known < threshold]
        assert all(measured.false_positive_rate(score) > rate for score in lower)
        assert measured.false_negative_at(rate) == measured.false_negative_rate(threshold)


def test_open_sets_need_strangers_and_known_persons():
    gallery = Records.from_columns(["a"], [7])
    with pytest.raises(OptionError, match="no query whose person is not in the gallery"):
        open_set(np.zeros((1, 1)), without_cameras(Records.from_columns(["q"], [7]), gallery))
    with pytest.raises(OptionError, match="no query whose person is in the gallery"):
        open_set(np.zeros((1, 1)), without_cameras(Records.from_columns(["q"], [8]), gallery))


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
