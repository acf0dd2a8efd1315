"""Means over seeds and their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from glimpse.errors import OptionError
from glimpse.evaluation.intervals import Estimate, over_seeds, paired_gain

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


def test_the_interval_of_one_two_and_three_is_as_computed_by_hand():
    # mean 2, standard deviation 1, t(0.975; 2) = 4.302653, divided by the root of 3
    estimate = over_seeds([1.0, 2.0, 3.0])
    assert estimate.mean == 2
    assert estimate.high - estimate.mean == pytest.approx(4.302653 / np.sqrt(3), abs=1e-6)
    assert estimate.to_json() == [estimate.mean, estimate.low, estimate.high]


@given(SHARES)
def test_the_interval_is_scipys(values):
    estimate = over_seeds(values)
    std = np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = np.mean(values) + np.array(t.ppf([0.025, 0.975], len(values) - 1)) * std
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_one_seed_has_no_interval_and_none_is_refused():
    assert over_seeds([0.5]) == Estimate(0.5, None, None, 1)
    with pytest.raises(OptionError, match="at least one run, got none"):
        over_seeds([])


def test_a_pair_takes_out_what_a_seed_does_to_both():
    luck = {0: 0.0, 1: 0.3, 2: -0.2}
    low = {seed: 0.4 + more for seed, more in luck.items()}
    high = {seed: 0.45 + more for seed, more in luck.items()}
    gain = paired_gain(high, low)
    assert gain.low == pytest.approx(0.05) == pytest.approx(gain.high)
    assert over_seeds(list(high.values())).low < 0.4


@given(
    st.dictionaries(st.integers(0, 5), st.floats(0, 1)), st.dictionaries(st.integers(0, 5), st.floats(0, 1))
)
def test_only_seeds_that_both_have_are_paired(ones, others):
    common = sorted(set(ones) & set(others))
    gain = paired_gain(ones, others)
    if not common:
        assert gain is None
    else:
        assert gain == over_seeds([ones[seed] - others[seed] for seed in common])
