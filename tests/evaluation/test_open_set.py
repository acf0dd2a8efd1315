"""Open sets: rates and thresholds equal what plain searches find."""

import dataclasses

import evaluation_cases as cases
import naive_evaluation as naive
import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.evaluation import open_set
from glimpse.protocols import Cmc, without_cameras
from glimpse.records import Records


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
