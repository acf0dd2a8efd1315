"""The running selections against a stable sort of everything."""

import numpy as np
import pytest
import torch
from similarity_cases import sorted_all

from glimpse.similarity.selection import ComposedKeys, SortedLists


def make(kind, queries, k):
    return kind(queries, k) if kind is SortedLists else kind(queries, k, torch.device("cpu"))


@pytest.mark.parametrize("kind", [SortedLists, ComposedKeys])
@pytest.mark.parametrize("k", [0, 1, 3, 40, 50])
@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_selection_equals_a_stable_sort_with_ties(kind, k, levels):
    rng = np.random.default_rng(k + levels)
    scores = (rng.integers(-levels, levels, (9, 50)) / levels).astype(np.float32)
    best = make(kind, 9, k)
    for rows in (slice(0, 4), slice(4, 9)):
        for start in range(0, 50, 17):
            best.add(rows, start, torch.from_numpy(scores[rows, start : start + 17].copy()))
    found, lowest = best.result()
    expected = sorted_all(scores, k)
    np.testing.assert_array_equal(found.scores, expected[0])
    np.testing.assert_array_equal(found.rows, expected[1])
    np.testing.assert_array_equal(lowest, scores.min(1))
