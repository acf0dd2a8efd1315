"""How sure a figure is over training runs: means of few seeds, with Student's t interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glimpse.errors import OptionError

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """The mean of some runs.

    Attributes:
        mean: of the runs.
        low: lower end of the interval for the mean; None for a single run, which says nothing of others.
        high: upper end.
        runs: how many.
    """

    mean: float
    low: float | None
    high: float | None
    runs: int

    def to_json(self) -> list[float | None]:
        """Mean, low, high."""
        return [self.mean, self.low, self.high]


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean and its 95 % interval by Student's t, which suits few runs of about normal figures.

    The interval is not cut at 0 or 1: where it reaches beyond, the runs are too few to say more.

    >>> estimate = over_seeds([0.4, 0.5, 0.6])
    >>> round(estimate.mean, 3), round(estimate.low, 3), round(estimate.high, 3)
    (0.5, 0.252, 0.748)
    """
    if not values:
        raise OptionError("an estimate needs at least one run, got none")
    from scipy.special import stdtrit

    runs = len(values)
    mean = math.fsum(values) / runs
    if runs == 1:
        return Estimate(mean, None, None, 1)
    spread = float(np.std(values, ddof=1)) / math.sqrt(runs)
    reach = float(stdtrit(runs - 1, 0.5 + LEVEL / 2)) * spread
    return Estimate(mean, mean - reach, mean + reach, runs)


def paired_gain(values: Mapping[int, float], others: Mapping[int, float]) -> Estimate | None:
    """How much higher `values` are than `others`, seed by seed, over the seeds that both have.

    Pairs take out what a seed does to both: its validation persons, its order of batches.

    >>> paired_gain({0: 0.5, 1: 0.7}, {0: 0.4, 1: 0.6, 2: 0.9}).mean.__round__(3)
    0.1
    """
    common = sorted(values.keys() & others.keys())
    return over_seeds([values[seed] - others[seed] for seed in common]) if common else None
