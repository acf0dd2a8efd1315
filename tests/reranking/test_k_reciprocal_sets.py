"""Expanded sets against their definition."""

import numpy as np
import pytest
from dense_twins import (
    clustered,
    euclidean,
    expanded_sets,
    neighbor_order,
)

from glimpse.reranking.k_reciprocal_sets import expanded_sets as fast_sets


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("k1", [1, 2, 5, 9])
def test_expanded_sets_equal_the_definition(k1, extra):
    rng = np.random.default_rng(k1)
    points = clustered(rng, 60, 3, 6)
    within = np.round(euclidean(points, points) * 8) / 8
    starts, members = fast_sets(neighbor_order(within).astype(np.int32), k1, bool(extra))
    found = [members[starts[i] : starts[i + 1]].tolist() for i in range(60)]
    assert found == [sorted(s) for s in expanded_sets(within, k1, extra)]
