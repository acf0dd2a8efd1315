"""How far two quantities rise together, whatever their scales."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import ShapeError


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
    centred = [values - values.mean() for values in ranks] if len(left) else ranks
    lengths = [float(np.sqrt(values @ values)) for values in centred]
    if 0.0 in lengths:
        return None
    product = float(centred[0] @ centred[1]) / (lengths[0] * lengths[1])
    return min(1.0, max(-1.0, product))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1; equal values have the mean of the ranks that they share."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2.0)[place.reshape(-1)]
    return means
