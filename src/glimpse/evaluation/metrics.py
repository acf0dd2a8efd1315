"""Average precision and its variants, expected values of a random ranking, and rank correlation."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import ShapeError
from glimpse.protocols import Protocol
from glimpse.protocols.protocol import Comparison
from glimpse.records import IntArray


class AveragePrecision(Enum):
    """Which of the two published average precisions is meant; they differ by a point or more."""

    MEAN = "mean"
    """Mean over the right answers of (right answers so far) / rank: the usual one.

    See protocols.md, "Single query with cameras".
    """
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


class Chance(NamedTuple):
    """Expected values over all orders of the gallery, as shares."""

    rank_1: float
    mean_ap: float


def chance(protocol: Protocol) -> Chance:
    """Chance of a protocol, averaged over its valid queries and then over its trials.

    With R right answers among N rows that count, the first is right with probability R / N, whether a
    rank counts images or persons. A right answer at place k has (k - 1)(R - 1)/(N - 1) others before it
    on average, so that the expected AP is p + (1 - p) H_N / N with p = (R - 1)/(N - 1) and H_N the
    harmonic number.

    >>> from glimpse.protocols import without_cameras
    >>> from glimpse.records import Records
    >>> queries, searched = Records.from_columns(["q"], [7]), Records.from_columns(["a", "b"], [3, 7])
    >>> chance(without_cameras(queries, searched))
    Chance(rank_1=0.5, mean_ap=0.75)
    """
    trials = [_trial(protocol.comparison(trial)) for trial in protocol.trials]
    return Chance(*(float(np.mean(values)) for values in zip(*trials, strict=True)))


def _trial(comparison: Comparison) -> Chance:
    right = comparison.matches_per_query()
    valid = right > 0
    if not valid.any():
        return Chance(0.0, 0.0)
    right, counted = right[valid], _counted(comparison)[valid]
    harmonic = np.cumsum(1 / np.arange(1, counted.max() + 1))[counted - 1]
    others = (right - 1) / np.maximum(counted - 1, 1)
    return Chance(float(np.mean(right / counted)), float(np.mean(others + (1 - others) * harmonic / counted)))


def _counted(comparison: Comparison) -> IntArray:
    """How many gallery rows count for each query, [Q]."""
    keys, sizes = np.unique(comparison.gallery_key, return_counts=True)
    excluded = dict(zip(keys.tolist(), sizes.tolist(), strict=True))
    return np.array(
        [len(comparison.gallery_rows) - excluded.get(key, 0) for key in comparison.query_key.tolist()],
        np.int64,
    )


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float | None:
    """Spearman's: the correlation of the ranks, equal values sharing the mean of theirs.

    Returns:
        From -1 to 1; None where one of the two never changes, which says nothing of the other.

    >>> rank_correlation([1, 2, 3, 4], [1, 4, 9, 16]).__round__(6)
    1.0
    >>> rank_correlation([1, 2, 3], [5, 5, 5]) is None
    True
    """
    left, right = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise ShapeError(
            f"two rows of numbers of one length are compared, got {list(left.shape)} and {list(right.shape)}"
        )
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ShapeError("what is compared by ranks must be finite")
    ranks = [_ranks(values) for values in (left, right)]
    centerd = [values - values.mean() for values in ranks] if len(left) else ranks
    lengths = [float(np.sqrt(values @ values)) for values in centerd]
    if 0.0 in lengths:
        return None
    product = float(centerd[0] @ centerd[1]) / (lengths[0] * lengths[1])
    return min(1.0, max(-1.0, product))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1; equal values have the mean of the ranks that they share."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2.0)[place.reshape(-1)]
    return means
