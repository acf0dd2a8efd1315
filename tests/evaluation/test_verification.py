"""The ROC curve equals what plain loops over all pairs find."""

import evaluation_cases as cases
import naive_evaluation as naive
import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation import Roc, roc
from glimpse.protocols import without_cameras
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
    queries = Records.from_columns(["q"], [7])
    with pytest.raises(OptionError, match="no genuine pair"):
        roc(np.zeros((1, 1)), without_cameras(queries, Records.from_columns(["a"], [3])))
    with pytest.raises(OptionError, match="no impostor pair"):
        roc(np.zeros((1, 1)), without_cameras(queries, Records.from_columns(["a"], [7])))
    with pytest.raises(ShapeError, match="gallery row 1"):
        roc(np.array([[0, np.nan]]), without_cameras(queries, Records.from_columns(["a", "b"], [7, 3])))
