"""CUHK03-style sampling agrees with its exact expectation, and with itself."""

import dataclasses

import evaluation_cases as cases
import naive_evaluation as naive
import numpy as np
import pytest

from glimpse.evaluation import AveragePrecision, evaluate
from glimpse.protocols import SingleShot

REPEATS = 4000


def sampled(protocol, repeats=REPEATS, seed=0):
    return dataclasses.replace(protocol, single_shot=SingleShot(repeats, seed))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["random", "tied", "constant"])
@pytest.mark.parametrize("rule", ["market", "none"])
def test_the_share_of_each_rank_is_the_exact_chance(rng, dtype, kind, rule):
    protocol = cases.protocol(rng, rule=rule)
    scores = cases.scores(rng, protocol, kind, dtype)
    result = evaluate(scores, sampled(protocol))
    comparison = protocol.comparison(protocol.trials[0])
    assert result.rank.shape == (len(result), REPEATS)
    for row, ranks, precision in zip(result.query, result.rank, result.average_precision, strict=True):
        chances = naive.single_shot_chances(scores, protocol, comparison, row)
        assert ranks.max() <= len(chances)
        share = np.bincount(ranks, minlength=len(chances) + 1)[1:] / REPEATS
        # five standard deviations
        np.testing.assert_allclose(share, chances, atol=5 * 0.5 / REPEATS**0.5)
        assert precision == pytest.approx(np.mean(1 / ranks))
        expected = chances @ (1 / np.arange(1, len(chances) + 1))
        assert precision == pytest.approx(expected, abs=5 * 0.5 / REPEATS**0.5)


def test_where_nothing_is_left_to_chance_the_rank_is_exact(rng):
    """One gallery row per person: sampling is the ordinary evaluation."""
    protocol = cases.protocol(rng, queries=30, gallery=60, persons=300, rule="none")
    persons = rng.permutation(60)
    protocol = dataclasses.replace(
        protocol,
        gallery=protocol.gallery.with_columns(person=persons),
        query=protocol.query.with_columns(person=rng.choice(persons, 30)),
    )
    scores = cases.scores(rng, protocol)
    plain, drawn = evaluate(scores, protocol), evaluate(scores, sampled(protocol, 3))
    assert (drawn.rank == plain.rank).all()
    assert drawn.cmc.tolist() == plain.cmc.tolist()
    assert drawn.mean_ap == plain.mean_ap == drawn.mean_inp


def test_the_trapezoid_of_one_right_answer(rng):
    protocol = sampled(cases.protocol(rng), 5)
    scores = cases.scores(rng, protocol)
    result = evaluate(scores, protocol, ap=AveragePrecision.TRAPEZOID)
    expected = np.where(result.rank == 1, 1.0, 0.5 / result.rank).mean(axis=1)
    np.testing.assert_allclose(result.average_precision, expected)


def test_the_seed_decides(rng):
    protocol = cases.protocol(rng)
    scores = cases.scores(rng, protocol)
    first, again, other = (evaluate(scores, sampled(protocol, 20, seed)).rank.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_order_of_rows_does_not_matter(rng):
    protocol = sampled(cases.protocol(rng), 50)
    scores = cases.scores(rng, protocol)
    queries, searched = rng.permutation(len(protocol.query)), rng.permutation(len(protocol.gallery))
    turned = dataclasses.replace(
        protocol, query=protocol.query[queries], gallery=protocol.gallery[searched], trials=()
    )
    first, second = evaluate(scores, protocol), evaluate(scores[queries][:, searched], turned)
    assert first.summary() == second.summary()
    assert first.cmc.tolist() == second.cmc.tolist()


def test_the_cmc_stays_at_one_past_the_number_of_persons(rng):
    protocol = sampled(cases.protocol(rng, persons=3))
    cmc = evaluate(cases.scores(rng, protocol), protocol).cmc
    assert (np.diff(cmc) >= 0).all()
    assert cmc[-1] == 1


def test_the_result_says_that_it_is_drawn(rng):
    protocol = sampled(cases.protocol(rng), 7)
    assert "7 draws per query" in str(evaluate(cases.scores(rng, protocol), protocol))
