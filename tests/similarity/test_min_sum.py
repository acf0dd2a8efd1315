"""The packed kernel of sums of minima: padding, every shape of its panels, any place in memory."""

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.similarity import SetJaccard
from glimpse.similarity.min_sum import _panels, jaccards, pack


def test_packing_pads_with_zeros_only():
    vectors = np.arange(1, 13, dtype=np.float32).reshape(4, 3)
    packed = pack(vectors)
    values = packed.bits.view(np.float32)
    assert values.shape == (1, 6, 16)
    np.testing.assert_array_equal(values[0, :4, :3], vectors)
    assert values.sum() == vectors.sum()
    np.testing.assert_array_equal(packed.sizes, vectors.sum(1))


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("columns", [1, 5, 145, 193, 400, 800])
@pytest.mark.parametrize("dim", [1, 16, 770, 1600])
def test_every_shape_of_panels_and_slabs_equals_the_plain_form(rows, columns, dim):
    random = np.random.default_rng(rows * columns * dim)
    left, right = (random.gamma(0.5, size=(count, dim)).astype(np.float32) for count in (rows, columns))
    left[0] = 0
    right[0] = -0.0  # whose bits are the least of all integers
    common = np.stack([np.minimum(row, right).sum(1, dtype=np.float64) for row in left])
    either = left.sum(1, dtype=np.float64)[:, None] + right.sum(1, dtype=np.float64) - common
    expected = np.divide(common, either, out=np.zeros_like(common), where=either > 0)
    actual = SetJaccard().pairwise(Embeddings(left), Embeddings(right))
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("order", ["lrqgs", "lrgqs", "qgslr", "sqglr", "lsrqg", "rqlgs"])
def test_shares_do_not_hang_on_which_arrays_are_neighbors_in_memory(order):
    rng = np.random.default_rng(0)
    left, right = (pack(rng.random((rows, 20), dtype=np.float32)) for rows in (8, 90))
    shares = np.empty((8, 90), np.float32)
    arrays = {"l": left.bits, "r": right.bits, "q": left.sizes, "g": right.sizes, "s": shares}
    memory = np.zeros(2**16, np.uint8)
    at = -memory.ctypes.data % 64
    near = {}
    for name in order:
        values = arrays[name]
        near[name] = memory[at : at + values.nbytes].view(values.dtype).reshape(values.shape)
        near[name][...] = values
        at += values.nbytes
    _panels(0, 2, 45, *(near[name] for name in "lrqgs"))
    jaccards(left, right, shares)
    np.testing.assert_array_equal(near["s"], shares)
