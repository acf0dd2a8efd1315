"""Jaccard coefficients of two sets of vectors: packed, blocked in registers, on all cores.

`sum(min(a, b))` is not a matrix product, and libraries compute it one pair at a time. Here, as in a good
matrix product, 3 x 3 pairs share their loads in registers and the operands lie in slabs that fit the cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from glimpse.compiled import compiled, compiled_fastmath, over_pieces

# Our choice, measured: 3 x 3 sums and their operands are what 16 vector registers hold, 6 rows of up to 768
# dimensions stay in the first-level cache and 144 columns in the second. The panels are of columns because
# the gallery is long even where the query is one row.
WIDEST_SLAB, LANES, BLOCK, STRIP, WIDEST_PANEL = 768, 16, 3, 6, 144


@dataclass(frozen=True, eq=False)
class Packed:
    """Non-negative vectors as the kernel reads them.

    Attributes:
        bits: [S, n, d] contiguous slabs, n being whole blocks: the bits of float32 numbers, which are ordered
            as the numbers are, for processors have more units for the minimum of integers than for that of
            floating point numbers, and those that add stay free.
        sizes: [N] what each vector adds up to.
    """

    bits: NDArray[np.int32]
    sizes: NDArray[np.float32]


def pack(vectors: NDArray[np.float32]) -> Packed:
    """Pack vectors [N, D] of non-negative numbers; the zeros that are added change no sum of minima."""
    count, dim = vectors.shape
    slabs = max(1, -(-dim // WIDEST_SLAB))
    width = max(LANES, -(-dim // (slabs * LANES)) * LANES)
    packed = _aligned((slabs, -(-count // BLOCK) * BLOCK, width))
    sizes = np.empty(count, np.float32)
    over_pieces(_pack, packed.shape[1], np.ascontiguousarray(vectors), packed, sizes)
    return Packed(packed.view(np.int32), sizes)


def jaccards(left: Packed, right: Packed, shares: NDArray[np.float32]) -> None:
    """Write the coefficients of two packed sets to `shares` [N, M]."""
    count = len(right.sizes)
    if shares.size:
        # as many panels for each thread, so that none waits
        threads = get_num_threads()
        panels = -(-count // (WIDEST_PANEL * threads)) * threads
        panel = -(-count // (panels * BLOCK)) * BLOCK
        over_pieces(_panels, panels, panel, left.bits, right.bits, left.sizes, right.sizes, shares)


def _aligned(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Empty memory whose rows start on a cache line: loads that cross one take twice as long."""
    memory = np.empty(math.prod(shape) + LANES, np.float32)
    start = -memory.ctypes.data // memory.itemsize % LANES
    return memory[start : start + math.prod(shape)].reshape(shape)


@compiled
def _pack(first, last, vectors, packed, sizes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    slabs, _, width = packed.shape
    count, dim = vectors.shape
    for row in range(first, last):
        total = 0.0
        for slab in range(slabs):
            start = slab * width
            known = max(0, min(width, dim - start)) if row < count else 0
            for c in range(known):
                packed[slab, row, c] = vectors[row, start + c]
                total += vectors[row, start + c]
            for c in range(known, width):
                packed[slab, row, c] = np.float32(0)
        if row < count:
            sizes[row] = np.float32(total)


@compiled
def _shares(top, start, common, left_sizes, right_sizes, shares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # not in the fast kernel: with sums in any order the last bit of a share hung on which arrays happened to
    # be neighbors in memory, as that decides whether such a loop runs in vectors
    one = np.float32(1)
    for i in range(min(len(left_sizes) - top, common.shape[0])):
        for j in range(min(len(right_sizes) - start, common.shape[1])):
            either = left_sizes[top + i] + right_sizes[start + j] - common[i, j]
            # two empty sets share nothing; rounding must not lift a likeness above 1
            shares[top + i, start + j] = min(common[i, j] / either, one) if either > 0 else np.float32(0)


@compiled_fastmath
def _common(slab, first, last, start, left, right, common):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add to `common` what rows `first` to `last` have in common with a panel's columns in one slab."""
    dim = left.shape[2]
    columns = min(right.shape[1] - start, common.shape[1])
    for j in range(0, columns, 3):
        for i in range(first, last, 3):
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
            row = i - first
            common[row, j] += s00
            common[row, j + 1] += s01
            common[row, j + 2] += s02
            common[row + 1, j] += s10
            common[row + 1, j + 1] += s11
            common[row + 1, j + 2] += s12
            common[row + 2, j] += s20
            common[row + 2, j + 1] += s21
            common[row + 2, j + 2] += s22


@compiled
def _panels(first, last, width, left, right, left_sizes, right_sizes, shares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The panels from `first` to `last`, strip by strip: the sums of a strip are shared while still near."""
    slabs, rows, _ = left.shape
    common = np.empty((STRIP, width), np.float32)
    for start in range(first * width, min(last * width, len(right_sizes)), width):
        for top in range(0, len(left_sizes), STRIP):
            common[:] = np.float32(0)
            for slab in range(slabs):
                _common(slab, top, min(top + STRIP, rows), start, left, right, common)
            _shares(top, start, common, left_sizes, right_sizes, shares)
