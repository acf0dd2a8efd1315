"""`Result`: what a protocol measured, kept query by query so that everything else can be derived."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation.precision import AveragePrecision
from glimpse.protocols import Cmc
from glimpse.records import IntArray

if TYPE_CHECKING:
    from glimpse.evaluation.bootstrap import Difference, Interval

Floats = NDArray[np.float64]

TIES = "a gallery row with the same score and a smaller position stands before"
"""The rule for ties, the order of a stable sort."""


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of an evaluation. Shares are between 0 and 1; a table prints them as percent.

    Attributes:
        protocol: its name.
        note: what the protocol wants to be said beside the numbers.
        ap: which average precision was computed.
        cmc_counts: whether a rank counts images or identities.
        max_rank: length of the CMC curve.
        trials: how many trials are averaged.
        query: [n] row of the protocol's `query` of each answered query, sorted by trial, then row.
        trial: [n] from 0.
        person: [n].
        matches: [n] right answers that counted.
        rank: [n, draws] rank of the first right answer; one draw but for single-shot sampling.
        precision: [n] average precision.
        inp: [n] inverse negative penalty: right answers over the rank of the last.
        skipped_query: [s] rows of the protocol's `query` for which no right answer counts.
        skipped_trial: [s] the trials they were asked in.
    """

    protocol: str
    note: str
    ap: AveragePrecision
    cmc_counts: Cmc
    max_rank: int
    trials: int
    query: IntArray
    trial: IntArray
    person: IntArray
    matches: IntArray
    rank: IntArray
    precision: Floats
    inp: Floats
    skipped_query: IntArray
    skipped_trial: IntArray

    def __len__(self) -> int:
        """How many answered queries, over all trials."""
        return len(self.query)

    @cached_property
    def valid(self) -> IntArray:
        """Answered queries of each trial, [T]: what every mean is divided by."""
        return np.bincount(self.trial, minlength=self.trials).astype(np.int64)

    @cached_property
    def skipped(self) -> IntArray:
        """Queries without a right answer of each trial, [T]; they are in no sum and no divisor."""
        return np.bincount(self.skipped_trial, minlength=self.trials).astype(np.int64)

    @cached_property
    def trial_cmc(self) -> Floats:
        """[T, max_rank]; column k - 1 holds the share of queries answered within rank k."""
        counts = np.zeros((self.trials, self.max_rank), np.int64)
        for trial in range(self.trials):
            ranks = self.rank[self.trial == trial]
            within = np.bincount(ranks[ranks <= self.max_rank], minlength=self.max_rank + 1)
            counts[trial] = np.cumsum(within[1:])
        return self._per_trial(counts / max(1, self.rank.shape[1]))

    @cached_property
    def trial_map(self) -> Floats:
        """Mean average precision of each trial, [T]."""
        return self._trial_means(self.precision)

    @cached_property
    def trial_minp(self) -> Floats:
        """Mean INP of each trial, [T]."""
        return self._trial_means(self.inp)

    @cached_property
    def cmc(self) -> Floats:
        """[max_rank], averaged over the trials."""
        asked = self.trial_cmc[self.valid > 0]
        return np.array([_mean(column) for column in asked.T])

    @property
    def mean_ap(self) -> float:
        """MAP, averaged over the trials."""
        return _mean(self.trial_map[self.valid > 0])

    @property
    def mean_inp(self) -> float:
        """MINP, averaged over the trials."""
        return _mean(self.trial_minp[self.valid > 0])

    def rank_k(self, k: int) -> float:
        """The share of queries answered within rank k."""
        if not 1 <= k <= self.max_rank:
            raise OptionError(f"rank {k} is outside this result's 1..{self.max_rank}")
        return float(self.cmc[k - 1])

    def only(self, keep: ArrayLike) -> Result:
        """The result of some queries alone.

        Args:
            keep: boolean, one per row of the protocol's `query`.
        """
        mask = np.asarray(keep, bool)
        self._check_rows(mask)
        kept, lost = mask[self.query], mask[self.skipped_query]
        if not kept.any():
            raise OptionError("none of the chosen queries has a right answer that counts")
        names = ("query", "trial", "person", "matches", "rank", "precision", "inp")
        return replace(
            self,
            **{name: getattr(self, name)[kept] for name in names},
            skipped_query=self.skipped_query[lost],
            skipped_trial=self.skipped_trial[lost],
        )

    def by(self, group: ArrayLike) -> dict[Any, Result]:
        """A result for each group of queries; groups in which no query has a right answer are left out.

        Args:
            group: one value per row of the protocol's `query`: `protocol.query.camera`, `.kind`, or
                `bins(...)` of an extra column.
        """
        values = np.asarray(group)
        self._check_rows(values)
        answered = np.unique(values[self.query])
        return {value.item(): self.only(values == value) for value in answered}

    def summary(self) -> dict[str, float]:
        """The measures that tables show, by name."""
        ranks = {f"rank-{k}": self.rank_k(k) for k in (1, 5, 10, 20) if k <= self.max_rank}
        return {**ranks, "mAP": self.mean_ap, "mINP": self.mean_inp}

    def __str__(self) -> str:
        from glimpse.evaluation.report import table

        return table({self.protocol: self})

    def intervals(
        self, rng: np.random.Generator, *, resamples: int = 1000, level: float = 0.95
    ) -> dict[str, Interval]:
        """How sure each measure of the summary is, by drawing persons anew (bootstrap)."""
        from glimpse.evaluation.bootstrap import intervals

        return intervals(self, rng, resamples, level)

    def compare(
        self, other: Result, rng: np.random.Generator, *, resamples: int = 1000, level: float = 0.95
    ) -> dict[str, Difference]:
        """How much better this result is than `other` on the same queries (paired bootstrap)."""
        from glimpse.evaluation.bootstrap import compare

        return compare(self, other, rng, resamples, level)

    def save(self, path: Path | str) -> None:
        """Write the result as JSON, all or nothing."""
        from glimpse.evaluation.storage import save_result

        save_result(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Result:
        """Read a result that `save` wrote."""
        from glimpse.evaluation.storage import load_result

        return load_result(Path(path))

    def _check_rows(self, values: NDArray[Any]) -> None:
        last = max(self.query.max(initial=-1), self.skipped_query.max(initial=-1))
        if values.ndim != 1 or len(values) <= last:
            raise ShapeError(
                f"groups need one value per row of the protocol's query, more than {last}, "
                f"got shape {list(values.shape)}"
            )

    def _trial_means(self, values: Floats) -> Floats:
        sums = np.array([math.fsum(values[self.trial == trial]) for trial in range(self.trials)])
        return self._per_trial(sums)

    def _per_trial(self, sums: Floats) -> Floats:
        divisor = np.maximum(self.valid, 1)
        return sums / (divisor if sums.ndim == 1 else divisor[:, None])


def _mean(values: Floats) -> float:
    """A correctly rounded mean: the same whatever the order of the values."""
    return math.fsum(values) / len(values)
