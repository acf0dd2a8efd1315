"""The co-occurrence prior against the loops over pairs and channels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_cases import random_sets

from glimpse.similarity import (
    CoOccurrencePrior,
)


def naive_prior(features, persons):
    together = np.zeros((features.shape[1],) * 2)
    for a, y in zip(features, persons, strict=True):
        for b, z in zip(features, persons, strict=True):
            if y == z:
                union = np.maximum(a, b)
                together = np.maximum(together, np.outer(union, union))
    return together


def naive_penalty(a, b, prior, epsilon):
    union = np.minimum(np.maximum(a, b), prior.ceiling)
    return np.maximum(0, np.expm1(np.outer(union, union) - prior.together - epsilon)).sum()


def test_prior_equals_the_loop_over_all_pairs():
    rng = np.random.default_rng(0)
    features, persons = random_sets(rng, 20, 9), rng.integers(0, 5, 20)
    prior = CoOccurrencePrior.fit(features, persons, scale=1)
    np.testing.assert_allclose(prior.together, naive_prior(features, persons), atol=1e-6)


def test_adding_a_person_equals_fitting_with_it():
    rng = np.random.default_rng(1)
    features, persons = random_sets(rng, 12, 7), np.repeat([0, 1, 2], 4)
    whole = CoOccurrencePrior.fit(features, persons, scale=1)
    grown = CoOccurrencePrior.fit(features[:8], persons[:8], scale=1).update(features[8:])
    np.testing.assert_allclose(grown.together, whole.together, atol=1e-6)


def test_scale_is_the_high_percentile_and_cuts_above_it():
    features = np.concatenate([np.full((999, 1), 2.0), [[50.0]]])
    prior = CoOccurrencePrior.fit(features, np.zeros(1000))
    assert prior.scale == pytest.approx(np.percentile(features, 99.9))
    assert prior.ceiling.tolist() == [1]


def test_golden_conflict():
    prior = CoOccurrencePrior.fit(np.array([[1, 0, 0.5], [0, 1, 0.5]]), [0, 1], scale=1)
    found = prior.penalty(np.array([0.9, 0, 0.4]), np.array([[0.1, 0.8, 0.4]]), 0.1)
    assert found[0] == pytest.approx(1.717856, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.05, 0.3]))
def test_pruned_penalty_equals_the_double_sum(seed, epsilon):
    rng = np.random.default_rng(seed)
    features, persons = random_sets(rng, 10, 8), rng.integers(0, 5, 10)
    prior = CoOccurrencePrior.fit(features, persons, scale=1)
    query, gallery = random_sets(rng, 1, 8)[0], random_sets(rng, 6, 8) * 1.5
    expected = [naive_penalty(query, g.clip(0, 1), prior, epsilon) for g in gallery]
    np.testing.assert_allclose(prior.penalty(query, gallery, epsilon), expected, atol=1e-4)
    for a, y in zip(features, persons, strict=True):
        assert not prior.penalty(a, features[persons == y], epsilon).any()
