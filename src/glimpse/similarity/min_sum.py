"""Sums of elementwise minima of two sets of vectors: packed, blocked in registers, on all cores.

`sum(min(a, b))` is not a matrix product, and libraries compute it one pair at a time. Here, as in a good
matrix product, 4 x 4 pairs share their loads in registers and the operands lie in slabs that fit the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glimpse.compiled import compiled, compiled_fastmath, over_pieces

# Our choice, measured: 256 dimensions of 4 + 4 rows stay in the first-level cache, a panel of 64 columns in
# the second. The panels are of columns because the gallery is long even where the query is one row.
WIDEST_SLAB, LANES, BLOCK, PANEL = 256, 16, 4, 64

Packed = NDArray[np.float32]


def pack(vectors: NDArray[np.float32]) -> Packed:
    """Vectors [N, D] as contiguous slabs [S, n, d], zeros added so that n is whole blocks.

    Zeros change no sum of minima of non-negative numbers.
    """
    count, dim = vectors.shape
    slabs = max(1, -(-dim // WIDEST_SLAB))
    width = max(LANES, -(-dim // (slabs * LANES)) * LANES)
    packed = np.zeros((slabs, -(-count // BLOCK) * BLOCK, width), np.float32)
    for slab in range(slabs):
        part = vectors[:, slab * width : (slab + 1) * width]
        packed[slab, :count, : part.shape[1]] = part
    return packed


def min_sums(left: Packed, right: Packed) -> NDArray[np.float32]:
    """Sums of minima [n, m] of all rows of two packed sets; the rows of padding are the caller's to drop."""
    sums = np.zeros((left.shape[1], right.shape[1]), np.float32)
    if sums.size:
        over_pieces(_min_sums, -(-right.shape[1] // PANEL), left, right, sums)
    return sums


def jaccards(
    sums: NDArray[np.float32], left: NDArray[np.float32], right: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The coefficients [n, m] of sums of minima [>= n, >= m] and the sums [n] and [m] of the vectors."""
    coefficients = np.empty((len(left), len(right)), np.float32)
    over_pieces(_jaccards, len(left), sums, left, right, coefficients)
    return coefficients


@compiled
def _jaccards(first, last, sums, left, right, coefficients):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    one = np.float32(1)
    for i in range(first, last):
        for j in range(len(right)):
            either = left[i] + right[j] - sums[i, j]
            # two empty sets share nothing; rounding must not lift a likeness above 1
            coefficients[i, j] = min(sums[i, j] / either, one) if either > 0 else np.float32(0)


@compiled_fastmath
def _min_sums(first, last, left, right, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    slabs, rows, width = left.shape
    columns = right.shape[1]
    for panel in range(first, last):
        stop = min(columns, (panel + 1) * PANEL)
        for slab in range(slabs):
            for i in range(0, rows, 4):
                for j in range(panel * PANEL, stop, 4):
                    s00 = s01 = s02 = s03 = np.float32(0)
                    s10 = s11 = s12 = s13 = np.float32(0)
                    s20 = s21 = s22 = s23 = np.float32(0)
                    s30 = s31 = s32 = s33 = np.float32(0)
                    for c in range(width):
                        a0 = left[slab, i, c]
                        a1 = left[slab, i + 1, c]
                        a2 = left[slab, i + 2, c]
                        a3 = left[slab, i + 3, c]
                        b = right[slab, j, c]
                        s00 += min(a0, b)
                        s10 += min(a1, b)
                        s20 += min(a2, b)
                        s30 += min(a3, b)
                        b = right[slab, j + 1, c]
                        s01 += min(a0, b)
                        s11 += min(a1, b)
                        s21 += min(a2, b)
                        s31 += min(a3, b)
                        b = right[slab, j + 2, c]
                        s02 += min(a0, b)
                        s12 += min(a1, b)
                        s22 += min(a2, b)
                        s32 += min(a3, b)
                        b = right[slab, j + 3, c]
                        s03 += min(a0, b)
                        s13 += min(a1, b)
                        s23 += min(a2, b)
                        s33 += min(a3, b)
                    sums[i, j] += s00
                    sums[i, j + 1] += s01
                    sums[i, j + 2] += s02
                    sums[i, j + 3] += s03
                    sums[i + 1, j] += s10
                    sums[i + 1, j + 1] += s11
                    sums[i + 1, j + 2] += s12
                    sums[i + 1, j + 3] += s13
                    sums[i + 2, j] += s20
                    sums[i + 2, j + 1] += s21
                    sums[i + 2, j + 2] += s22
                    sums[i + 2, j + 3] += s23
                    sums[i + 3, j] += s30
                    sums[i + 3, j + 1] += s31
                    sums[i + 3, j + 2] += s32
                    sums[i + 3, j + 3] += s33
