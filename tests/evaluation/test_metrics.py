import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from glimpse.errors import ShapeError
from glimpse.evaluation import evaluate
from glimpse.evaluation.metrics import chance, rank_correlation
from glimpse.protocols import single_query, sysu_mm01
from glimpse.records import Records


def test_chance_is_the_mean_over_every_order_of_the_gallery():
    query = Records.from_columns(["p", "q"], [1, 2], camera=[1, 2])
    gallery = Records.from_columns(list("abcdef"), [1, 1, 2, 1, 3, -1], camera=[1, 2, 1, 3, 1, 1])
    protocol = single_query(query, gallery)
    orders = np.array(list(itertools.permutations(range(6))), np.float64)
    results = [evaluate(np.stack([order, order]), protocol) for order in orders]
    expected = chance(protocol)
    assert np.mean([r.rank_k(1) for r in results]) == pytest.approx(expected.rank_1, abs=1e-12)
    assert np.mean([r.mean_ap for r in results]) == pytest.approx(expected.mean_ap, abs=1e-12)


def test_chance_holds_where_a_rank_counts_persons():
    rows = [(p, c) for p in range(4) for c in (1, 2, 4)]
    person, camera = np.array(rows).T
    visible = Records.from_columns([f"v{i}" for i in range(12)], person, camera=camera)
    infrared = Records.from_columns(list("abcd"), [0, 1, 2, 3], camera=[3, 6, 3, 6], modality="ir")
    protocol = sysu_mm01(infrared, visible, None)[0]
    random = np.random.default_rng(0)
    measured = np.mean([evaluate(random.random((4, 12)), protocol).rank_k(1) for _ in range(400)])
    assert measured == pytest.approx(chance(protocol).rank_1, abs=0.02)


def test_chance_without_a_valid_query_is_nothing():
    lone = Records.from_columns(["q"], [1], camera=[1])
    assert chance(single_query(lone, Records.from_columns(["g"], [2], camera=[1]))) == (0.0, 0.0)


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
