"""Results for people: a table of several, and names for groups of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import OptionError
from glimpse.evaluation.result import TIES, Result
from glimpse.records import IntArray


def table(results: Mapping[str, Result]) -> str:
    """Results under each other, in percent, and below them what was computed."""
    if not results:
        return "no results"
    first = next(iter(results.values()))
    measures = list(first.summary())
    header = ["", "trials", "valid", "skipped", *measures]
    lines = [header]
    for name, result in results.items():
        summary = result.summary()
        shares = [f"{100 * summary[measure]:.2f}" if measure in summary else "-" for measure in measures]
        lines.append([name, str(result.trials), _span(result.valid), _span(result.skipped), *shares])
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = [
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    notes = {
        f"AP: {result.ap.value}; a rank counts {result.cmc_counts.value}; ties: {TIES}"
        + (f"; {result.rank.shape[1]} draws per query" if result.rank.shape[1] > 1 else "")
        + (f"; {result.note}" if result.note else ""): None
        for result in results.values()
    }
    return "\n".join([*(line.rstrip() for line in text), *notes])


def _span(counts: IntArray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low}-{high}"


def bins(values: ArrayLike, edges: Iterable[float]) -> NDArray[np.str_]:
    """Name the interval that each value lies in, for `Result.by`; the last interval holds its end.

    >>> bins([0.1, 0.5, 1.0], [0, 0.5, 1]).tolist()
    ['0-0.5', '0.5-1', '0.5-1']
    """
    limits = np.asarray(list(edges), np.float64)
    numbers = np.asarray(values, np.float64)
    if len(limits) < 2 or (np.diff(limits) <= 0).any():
        raise OptionError(f"edges must be at least two rising numbers, got {limits.tolist()}")
    outside = np.flatnonzero(~((numbers >= limits[0]) & (numbers <= limits[-1])))
    if outside.size:
        raise OptionError(
            f"values must lie in {limits[0]:g}..{limits[-1]:g}, got {numbers[outside[0]]} in row {outside[0]}"
        )
    names = np.array([f"{low:g}-{high:g}" for low, high in pairwise(limits)])
    place = np.minimum(np.searchsorted(limits, numbers, side="right") - 1, len(names) - 1)
    chosen: NDArray[np.str_] = names[place]
    return chosen
