"""The loops over paths against a sort."""

import numpy as np
import pytest

from glimpse.reranking import sim_kernels as kernels


@pytest.mark.parametrize(
    ("paths", "hops"),
    [(1, 1), (1, 20), (3, 7), (5, 20), (9, 9), (9, 20), (10, 13), (10, 20), (12, 20), (9, 21)],
)
def test_both_loops_over_paths_equal_a_sort(paths, hops):
    rng = np.random.default_rng(paths)
    gallery, near = 70, 3 * kernels.LANES
    distances = np.round(rng.random((4, gallery)), 1).astype(np.float32)  # with many ties
    rows = rng.integers(0, gallery, (hops, near)).astype(np.int32)
    steps = rng.random((hops, near)).astype(np.float32)
    plain = np.sort(distances[:, rows[:, :gallery]] + np.float32(0.1) * steps[:, :gallery], axis=1)
    loops = [kernels.shortest_paths] + [kernels.few_shortest_paths] * (
        paths <= kernels.FEW and hops <= 2 * kernels.FEW
    )
    for loop in loops:
        found = distances.copy()
        loop(0, 4, found, rows, steps, np.float32(0.1), paths)
        np.testing.assert_allclose(found, plain[:, :paths].mean(axis=1), rtol=1e-6)
