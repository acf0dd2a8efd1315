"""Jaccard coefficients of two sets of vectors: packed, blocked in registers, on all cores.

`sum(min(a, b))` is not a matrix product, and libraries compute it one pair at a time. Here, as in a good
matrix product, 3 x 3 pairs share their loads in registers and the operands lie in slabs that fit the cache.
"""

from __future__ import annotations

import math

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from glimpse.compiled import compiled, compiled_fastmath, over_pieces

# Our choice, measured: 3 x 3 sums and their operands are what 16 vector registers hold, 6 rows of up to 768
# dimensions stay in the first-level cache and 192 columns in the second. The panels are of columns because
# the gallery is long even where the query is one row.
WIDEST_SLAB, LANES, BLOCK, STRIP, WIDEST_PANEL = 768, 16, 3, 6, 192

Packed = NDArray[np.int32]
"""The bits of non-negative float32 numbers, which are ordered as the numbers are: processors have more
units for the minimum of integers than for that of floating point numbers, and those that add stay free."""


def pack(vectors: NDArray[np.float32]) -> Packed:
    """Vectors [N, D] of non-negative numbers as contiguous slabs [S, n, d], n being whole blocks.

    The zeros that are added change no sum of minima.
    """
    count, dim = vectors.shape
    slabs = max(1, -(-dim // WIDEST_SLAB))
    width = max(LANES, -(-dim // (slabs * LANES)) * LANES)
    packed = _aligned((slabs, -(-count // BLOCK) * BLOCK, width))
    over_pieces(_pack, packed.shape[1], np.ascontiguousarray(vectors), packed)
    return packed.view(np.int32)


def jaccards(
    left: Packed, right: Packed, left_sizes: NDArray[np.float32], right_sizes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The coefficients [N, M] of two packed sets whose rows add up to the sizes [N] and [M]."""
    shares = np.empty((len(left_sizes), len(right_sizes)), np.float32)
    if shares.size:
        # as many panels for each thread, so that none waits
        threads = get_num_threads()
        panels = -(-len(right_sizes) // (WIDEST_PANEL * threads)) * threads
        panel = -(-len(right_sizes) // (panels * BLOCK)) * BLOCK
        over_pieces(_panels, panels, panel, left, right, left_sizes, right_sizes, shares)
    return shares


def _panels(
    first: int,
    last: int,
    width: int,
    left: Packed,
    right: Packed,
    left_sizes: NDArray[np.float32],
    right_sizes: NDArray[np.float32],
    shares: NDArray[np.float32],
) -> None:
    common = np.empty((left.shape[1], width), np.float32)
    for start in range(first * width, min(last * width, len(right_sizes)), width):
        _common(start, left, right, common)
        _shares(start, common, left_sizes, right_sizes, shares)


def _aligned(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Empty memory whose rows start on a cache line: loads that cross one take twice as long."""
    memory = np.empty(math.prod(shape) + LANES, np.float32)
    start = -memory.ctypes.data // memory.itemsize % LANES
    return memory[start : start + math.prod(shape)].reshape(shape)


@compiled
def _pack(first, last, vectors, packed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    slabs, _, width = packed.shape
    count, dim = vectors.shape
    for row in range(first, last):
        for slab in range(slabs):
            start = slab * width
            known = max(0, min(width, dim - start)) if row < count else 0
            for c in range(known):
                packed[slab, row, c] = vectors[row, start + c]
            for c in range(known, width):
                packed[slab, row, c] = np.float32(0)


@compiled
def _shares(start, common, left_sizes, right_sizes, shares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # not in the fast kernel: with sums in any order the last bit of a share hung on which arrays happened to
    # be neighbours in memory, as that decides whether such a loop runs in vectors
    one = np.float32(1)
    for i in range(len(left_sizes)):
        for j in range(min(len(right_sizes) - start, common.shape[1])):
            either = left_sizes[i] + right_sizes[start + j] - common[i, j]
            # two empty sets share nothing; rounding must not lift a likeness above 1
            shares[i, start + j] = min(common[i, j] / either, one) if either > 0 else np.float32(0)


@compiled_fastmath
def _common(start, left, right, common):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    slabs, rows, dim = left.shape
    columns = min(right.shape[1] - start, common.shape[1])
    common[:] = np.float32(0)
    for slab in range(slabs):
        for strip in range(0, rows, STRIP):
            for j in range(0, columns, 3):
                for i in range(strip, min(strip + STRIP, rows), 3):
                    s00 = s01 = s02 = np.float32(0)
                    s10 = s11 = s12 = np.float32(0)
                    s20 = s21 = s22 = np.float32(0)
                    for c in range(dim):
                        a0 = left[slab, i, c]
                        a1 = left[slab, i + 1, c]
                        a2 = left[slab, i + 2, c]
                        b = right[slab, start + j, c]
                        s00 += np.int32(a0 if a0 < b else b).view(np.float32)
                        s10 += np.int32(a1 if a1 < b else b).view(np.float32)
                        s20 += np.int32(a2 if a2 < b else b).view(np.float32)
                        b = right[slab, start + j + 1, c]
                        s01 += np.int32(a0 if a0 < b else b).view(np.float32)
                        s11 += np.int32(a1 if a1 < b else b).view(np.float32)
                        s21 += np.int32(a2 if a2 < b else b).view(np.float32)
                        b = right[slab, start + j + 2, c]
                        s02 += np.int32(a0 if a0 < b else b).view(np.float32)
                        s12 += np.int32(a1 if a1 < b else b).view(np.float32)
                        s22 += np.int32(a2 if a2 < b else b).view(np.float32)
                    common[i, j] += s00
                    common[i, j + 1] += s01
                    common[i, j + 2] += s02
                    common[i + 1, j] += s10
                    common[i + 1, j + 1] += s11
                    common[i + 1, j + 2] += s12
                    common[i + 2, j] += s20
                    common[i + 2, j + 1] += s21
                    common[i + 2, j + 2] += s22
