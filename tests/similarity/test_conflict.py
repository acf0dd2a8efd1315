"""The conflict-penalized similarity: its scores, its exact top k, its calibrated weight."""

from dataclasses import replace

import numpy as np
import pytest
from similarity_cases import random_sets

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation import evaluate
from glimpse.protocols import single_query
from glimpse.records import Records
from glimpse.similarity import (
    ConflictPenalized,
    CoOccurrencePrior,
    Reduce,
    SetJaccard,
    calibrate,
    fit_conflict,
)


def penalized(rng, channels=8, weight=0.02, **options):
    training, persons = random_sets(rng, 20, channels), np.repeat(np.arange(10), 2)
    prior = CoOccurrencePrior.fit(training, persons, scale=1)
    return ConflictPenalized(SetJaccard(), prior, weight, epsilon=0.02, reduce=Reduce.SUM, **options)


def test_pairwise_is_jaccard_minus_the_weighted_conflict():
    rng = np.random.default_rng(2)
    similarity = penalized(rng)
    query, gallery = random_sets(rng, 4, 8), random_sets(rng, 5, 8)
    plain = SetJaccard().pairwise(Embeddings(query), Embeddings(gallery))
    conflicts = np.array([similarity.prior.penalty(q, gallery, 0.02) for q in query])
    assert conflicts.any()
    found = similarity.pairwise(Embeddings(query), Embeddings(gallery))
    np.testing.assert_allclose(found, plain - 0.02 * conflicts, atol=1e-6)
    mean = replace(similarity, reduce=Reduce.MEAN).pairwise(Embeddings(query), Embeddings(gallery))
    np.testing.assert_allclose(mean, plain - 0.02 / 64 * conflicts, atol=1e-6)


@pytest.mark.parametrize("weight", [0, 0.01, 10])
@pytest.mark.parametrize("k", [0, 1, 5, 100])
def test_shortlists_double_until_the_top_k_is_exact(weight, k):
    rng = np.random.default_rng(3)
    similarity = penalized(rng, weight=weight, shortlist=2)
    query = Embeddings(random_sets(rng, 6, 8))
    # duplicates and coarse values: ties in J and in the result
    gallery = Embeddings(np.repeat(np.round(random_sets(rng, 40, 8), 1), 2, axis=0))
    found, scores = similarity.top_k(query, gallery, k), similarity.pairwise(query, gallery)
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.scores, np.take_along_axis(scores, rows, 1))


@pytest.mark.parametrize("weight", [0, 0.01, 10])
@pytest.mark.parametrize("shortlist", [1, 7, 40, 200])
def test_a_shortlist_is_ordered_by_the_penalty_and_followed_by_the_rest(weight, shortlist):
    rng = np.random.default_rng(5)
    similarity = penalized(rng, weight=weight, shortlist=shortlist)
    query, gallery = Embeddings(random_sets(rng, 6, 8)), Embeddings(random_sets(rng, 40, 8))
    plain, exact = SetJaccard().pairwise(query, gallery), similarity.pairwise(query, gallery)
    found = similarity.shortlisted(query, gallery)
    for scores, by_set, by_all in zip(found, plain, exact, strict=True):
        if not weight:
            np.testing.assert_array_equal(scores, by_set)
            continue
        order = np.argsort(-by_set, kind="stable")
        first, rest = order[:shortlist], order[shortlist:]
        expected = [*first[np.argsort(-by_all[first], kind="stable")], *rest]
        np.testing.assert_array_equal(np.argsort(-scores, kind="stable"), expected)
        np.testing.assert_array_equal(scores[first], by_all[first])


def test_an_evaluation_orders_shortlists():
    rng = np.random.default_rng(6)
    similarity = penalized(rng, weight=10, shortlist=3)
    sides = Embeddings(random_sets(rng, 6, 8)), Embeddings(random_sets(rng, 40, 8))
    records = [
        Records.from_columns([f"{side}/{n}.jpg" for n in range(rows)], rng.integers(0, 3, rows))
        for side, rows in (("query", 6), ("gallery", 40))
    ]
    protocol = single_query(*records, name="test")
    found = evaluate(sides, protocol, similarity=similarity)
    np.testing.assert_array_equal(found.ap, evaluate(similarity.shortlisted(*sides), protocol).ap)
    assert found.mean_ap != evaluate(similarity.pairwise(*sides), protocol).mean_ap
    assert found.note == "the penalty orders the first 3 of each query"
    assert evaluate(sides, protocol, similarity=replace(similarity, weight=0)).note == ""


def test_an_empty_gallery_gives_no_columns():
    rng = np.random.default_rng(4)
    found = penalized(rng).top_k(Embeddings(random_sets(rng, 3, 8)), Embeddings(np.zeros((0, 8))), 5)
    assert found.rows.shape == (3, 0)
    found = penalized(rng).shortlisted(Embeddings(random_sets(rng, 3, 8)), Embeddings(np.zeros((0, 8))))
    assert found.shape == (3, 0)


def random_people(rng):
    """Four images of six persons: one strong pattern each, and weak ones that decide J at random."""
    persons = np.repeat(np.arange(6), 4)
    vectors = rng.uniform(0, 0.45, (24, 12))
    vectors[np.arange(24), persons] = 1
    return Embeddings(vectors), persons


def naive_map(scores, persons):
    found = []
    for row in range(len(scores)):
        order = [i for i in np.argsort(-scores[row], kind="stable") if i != row]
        hits = [persons[i] == persons[row] for i in order]
        places = [place for place, hit in enumerate(hits) if hit]
        found.append(np.mean([(n + 1) / (place + 1) for n, place in enumerate(places)]))
    return np.mean(found)


def test_the_calibrated_weight_ranks_held_out_persons_better():
    embeddings, persons = random_people(np.random.default_rng(7))
    prior = CoOccurrencePrior.fit(embeddings.vectors, persons, scale=1)
    start = ConflictPenalized(SetJaccard(), prior, weight=0)
    chosen = calibrate(start, embeddings, persons)
    assert chosen.weight > 0
    before, after = (naive_map(s.pairwise(embeddings, embeddings), persons) for s in (start, chosen))
    assert after > before


def test_the_fitted_penalty_knows_every_person_and_repeats_itself():
    embeddings, persons = random_people(np.random.default_rng(8))
    one, two = (
        fit_conflict(SetJaccard(), embeddings, persons, np.random.default_rng(1), held_out=0.5)
        for _ in range(2)
    )
    assert one.weight == two.weight
    whole = CoOccurrencePrior.fit(embeddings.vectors, persons, one.prior.scale)
    np.testing.assert_array_equal(one.prior.together, whole.together)


def test_weight_is_zero_where_nothing_can_conflict():
    rng = np.random.default_rng(6)
    everything = CoOccurrencePrior(np.ones((12, 12), np.float32), 1.0)
    start = ConflictPenalized(SetJaccard(), everything, weight=3)
    assert calibrate(start, *random_people(rng)).weight == 0


def test_impossible_input_is_refused():
    prior = CoOccurrencePrior(np.ones((3, 3), np.float32), 1.0)
    with pytest.raises(OptionError, match="weight and epsilon"):
        ConflictPenalized(SetJaccard(), prior, weight=-1)
    other = Embeddings(np.ones((1, 2)))
    with pytest.raises(ShapeError, match="prior knows 3 channels, got vectors of 2"):
        ConflictPenalized(SetJaccard(), prior, weight=1).pairwise(other, other)
    with pytest.raises(ShapeError, match=r"\[N, C\]"):
        CoOccurrencePrior.fit(np.ones((2, 2)), [1])
