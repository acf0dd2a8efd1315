"""Confidence intervals: bootstrap over persons, and Student's t over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.evaluation.result import Result
from glimpse.records import IntArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A measure and its bootstrap interval.

    Attributes:
        value: as measured.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} [{100 * self.low:.2f}, {100 * self.high:.2f}]"


@dataclass(frozen=True)
class Difference:
    """A measure of one result less that of another, over the same queries and the same resamples.

    Attributes:
        value: as measured.
        low: lower end of the interval.
        high: upper end.
        chance: the two-sided bootstrap p-value: twice the share of resamples in which the difference is 0
            or has the other sign, at most 1.
    """

    value: float
    low: float
    high: float
    chance: float

    def __str__(self) -> str:
        return (
            f"{100 * self.value:+.2f} [{100 * self.low:+.2f}, {100 * self.high:+.2f}], "
            f"chance {self.chance:.3f}"
        )


def intervals(result: Result, rng: np.random.Generator, resamples: int, level: float) -> dict[str, Interval]:
    """The measures of `Result.summary`, each with its interval."""
    _check(resamples, level)
    values = _query_values(result)
    draws = _Resampled(result, rng, resamples)
    return {
        name: Interval(result.summary()[name], *_ends(draws.means(column), level))
        for name, column in values.items()
    }


def compare(
    result: Result, other: Result, rng: np.random.Generator, resamples: int, level: float
) -> dict[str, Difference]:
    """How much better `result` is than `other` on the same queries of the same protocol."""
    _check(resamples, level)
    if result.protocol != other.protocol:
        raise OptionError(f"a result of protocol {result.protocol} cannot be compared with {other.protocol}")
    if result.ap is not other.ap or result.cmc_counts is not other.cmc_counts:
        raise OptionError(
            f"results must measure the same: {result.ap.value} AP over {result.cmc_counts.value} "
            f"against {other.ap.value} AP over {other.cmc_counts.value}"
        )
    for name in ("trial", "query", "person"):
        if not np.array_equal(getattr(result, name), getattr(other, name)):
            raise OptionError(
                f"results must answer the same queries: {len(result)} and {len(other)} differ in {name}"
            )
    mine, theirs = _query_values(result), _query_values(other)
    draws = _Resampled(result, rng, resamples)
    differences = {}
    for name in mine:
        if name in theirs:
            resampled = draws.means(mine[name] - theirs[name])
            value = result.summary()[name] - other.summary()[name]
            against = min(np.mean(resampled <= 0), np.mean(resampled >= 0))
            differences[name] = Difference(value, *_ends(resampled, level), min(1.0, 2 * float(against)))
    return differences


class _Resampled:
    """Bootstrap resamples: persons drawn with replacement, as many as there are."""

    def __init__(self, result: Result, rng: np.random.Generator, resamples: int) -> None:
        persons, self._person = np.unique(result.person, return_inverse=True)
        self._trial, self._shape = result.trial, (len(persons), result.trials)
        self._times = np.empty((resamples, len(persons)))
        for times in self._times:
            times[:] = np.bincount(rng.integers(len(persons), size=len(persons)), minlength=len(persons))
        self._queries = self._times @ self._sums(np.ones(len(result)))

    def means(self, values: Floats) -> Floats:
        """The measure in each resample: the mean over a trial's queries, then over the trials."""
        queries = self._queries > 0  # a small resample may leave a trial without queries
        means = np.divide(
            self._times @ self._sums(values), self._queries, out=np.zeros_like(self._queries), where=queries
        )
        averaged: Floats = means.sum(axis=1) / queries.sum(axis=1)
        return averaged

    def _sums(self, values: Floats) -> Floats:
        """Sums over each person's queries in each trial, [P, T]."""
        cell: IntArray = self._person.reshape(-1) * self._shape[1] + self._trial
        sums = np.bincount(cell, values, self._shape[0] * self._shape[1])
        return sums.astype(np.float64).reshape(self._shape)


def _query_values(result: Result) -> dict[str, Floats]:
    """Each measure of the summary as the per-query values that it is the mean of."""
    values = {
        name: (result.rank <= int(name.removeprefix("rank-"))).mean(axis=1)
        for name in result.summary()
        if name.startswith("rank-")
    }
    return {**values, "mAP": result.average_precision, "mINP": result.inp}


def _ends(resampled: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _check(resamples: int, level: float) -> None:
    if resamples < 1:
        raise OptionError(f"resamples must be at least 1, got {resamples}")
    if not 0 < level < 1:
        raise OptionError(f"level must lie between 0 and 1, got {level}")


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
