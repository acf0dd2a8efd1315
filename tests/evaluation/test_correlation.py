import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from glimpse.errors import ShapeError
from glimpse.evaluation.metrics import rank_correlation


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_it_is_spearmans_with_ties_or_without(pairs):
    first, second = np.array(pairs, float).T
    found = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic)


def test_scales_and_monotone_changes_do_not_matter():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 50))
    assert rank_correlation(np.exp(first), 7 * second - 3) == pytest.approx(rank_correlation(first, second))
    assert rank_correlation(first, first**3) == pytest.approx(1.0)
    assert rank_correlation(first, -first) == pytest.approx(-1.0)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_numbers_tell_nothing(values):
    assert rank_correlation(values, values) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]]), ([1, np.nan], [1, 2]), ([1, 2], [1, np.inf])],
)
def test_what_cannot_be_ranked_is_refused(first, second):
    with pytest.raises(ShapeError):
        rank_correlation(first, second)
