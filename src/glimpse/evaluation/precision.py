"""Average precision and its relatives, from the ranks of the right answers."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from glimpse.records import IntArray


class AveragePrecision(Enum):
    """Which of the two published average precisions is meant; they differ by a point or more."""

    MEAN = "mean"
    """Mean over the right answers of (right answers so far) / rank: the usual one (spec datasets 0.1)."""
    TRAPEZOID = "trapezoid"
    """Area under the precision-recall curve by trapezoids: the MATLAB original of Market-1501."""


def average_precision(
    ranks: IntArray, offsets: IntArray, variant: AveragePrecision = AveragePrecision.MEAN
) -> NDArray[np.float64]:
    """Average precision of each query, [n].

    Args:
        ranks: ranks of the right answers from 1, ascending within a query.
        offsets: [n + 1]; query i has `ranks[offsets[i] : offsets[i + 1]]`, at least one.
        variant: which average precision.

    >>> ranks, offsets = np.array([3, 5]), np.array([0, 2])
    >>> average_precision(ranks, offsets).round(6).tolist()
    [0.366667]
    """
    if len(offsets) < 2:
        return np.empty(0)
    counts = np.diff(offsets)
    so_far = np.arange(1, len(ranks) + 1) - np.repeat(offsets[:-1], counts)
    precision = so_far / ranks
    if variant is AveragePrecision.TRAPEZOID:
        # recall rises at a right answer only; the trapezoid's other side is the precision one rank earlier
        earlier = np.where(ranks == 1, 1.0, (so_far - 1) / np.maximum(ranks - 1, 1))
        precision = (precision + earlier) / 2
    means: NDArray[np.float64] = np.add.reduceat(precision, offsets[:-1]) / counts
    return means


def inverse_negative_penalty(ranks: IntArray, offsets: IntArray) -> NDArray[np.float64]:
    """INP of each query, [n]: the number of right answers over the rank of the last one."""
    if len(offsets) < 2:
        return np.empty(0)
    inp: NDArray[np.float64] = np.diff(offsets) / ranks[offsets[1:] - 1]
    return inp
