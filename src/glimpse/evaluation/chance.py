"""What a gallery in random order would score, exactly: the floor under every accuracy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glimpse.protocols import Protocol
from glimpse.protocols.protocol import Comparison
from glimpse.records import IntArray


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
    >>> asked, searched = Records.from_columns(["q"], [7]), Records.from_columns(["a", "b"], [3, 7])
    >>> chance(without_cameras(asked, searched))
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
