"""`Result`: what a protocol measured, query by query; as a table, and in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation.metrics import AveragePrecision
from glimpse.files import atomic_write, read_json
from glimpse.protocols import Cmc
from glimpse.records import IntArray

if TYPE_CHECKING:
    from glimpse.evaluation.intervals import Difference, Interval


Floats = NDArray[np.float64]

TIES = "a gallery row with the same score and a smaller position stands before"
"""The rule for ties, the order of a stable sort."""


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of an evaluation. Shares are between 0 and 1; a table prints them as percent.

    Attributes:
        protocol: its name.
        note: of the protocol and the similarity, printed beside the numbers.
        ap: which average precision was computed.
        cmc_counts: whether a rank counts images or identities.
        max_rank: length of the CMC curve.
        trials: how many trials are averaged.
        query: [n] row of the protocol's `query` of each answered query, sorted by trial, then row.
        trial: [n] from 0.
        person: [n].
        matches: [n] right answers that counted.
        rank: [n, draws] rank of the first right answer; one draw but for single-shot sampling.
        average_precision: [n].
        inp: [n] inverse negative penalty: right answers over the rank of the last.
        skipped_query: [s] rows of the protocol's `query` for which no right answer counts.
        skipped_trial: [s] their trials.
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
    average_precision: Floats
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
        return self._trial_means(self.average_precision)

    @cached_property
    def trial_minp(self) -> Floats:
        """Mean INP of each trial, [T]."""
        return self._trial_means(self.inp)

    @cached_property
    def cmc(self) -> Floats:
        """[max_rank], averaged over the trials."""
        queries = self.trial_cmc[self.valid > 0]
        return np.array([_mean(column) for column in queries.T])

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
        names = ("query", "trial", "person", "matches", "rank", "average_precision", "inp")
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
        answered = np.unique(values[self.query]).tolist()
        return {value: self.only(values == value) for value in answered}

    def summary(self) -> dict[str, float]:
        """The measures that tables show, by name."""
        ranks = {f"rank-{k}": self.rank_k(k) for k in (1, 5, 10, 20) if k <= self.max_rank}
        return {**ranks, "mAP": self.mean_ap, "mINP": self.mean_inp}

    def __str__(self) -> str:

        return table({self.protocol: self})

    def intervals(
        self, rng: np.random.Generator, *, resamples: int = 1000, level: float = 0.95
    ) -> dict[str, Interval]:
        """A bootstrap interval over persons for each measure of the summary."""
        from glimpse.evaluation.intervals import intervals

        return intervals(self, rng, resamples, level)

    def compare(
        self, other: Result, rng: np.random.Generator, *, resamples: int = 1000, level: float = 0.95
    ) -> dict[str, Difference]:
        """How much better this result is than `other` on the same queries (paired bootstrap)."""
        from glimpse.evaluation.intervals import compare

        return compare(self, other, rng, resamples, level)

    def save(self, path: Path | str) -> None:
        """Write the result as JSON, all or nothing."""
        save_result(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Result:
        """Read a result that `save` wrote."""
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


def table(results: Mapping[str, Result], *, noted: bool = True) -> str:
    """Results under each other, in percent, and below them what was computed (`notes`)."""
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
    return "\n".join([*(line.rstrip() for line in text), *(notes(results) if noted else ())])


def notes(results: Mapping[str, Result]) -> list[str]:
    """What was computed, a line for each way."""
    lines = {
        f"AP: {result.ap.value}; a rank counts {result.cmc_counts.value}; ties: {TIES}"
        + (f"; {result.rank.shape[1]} draws per query" if result.rank.shape[1] > 1 else "")
        + (f"; {result.note}" if result.note else ""): None
        for result in results.values()
    }
    return list(lines)


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


FORMAT = "glimpse-result-1"
_FORMER = {"average_precision": "precision"}  # in results of earlier versions
_COLUMNS = {
    "query": np.int64,
    "trial": np.int64,
    "person": np.int64,
    "matches": np.int64,
    "rank": np.int64,
    "average_precision": np.float64,
    "inp": np.float64,
    "skipped_query": np.int64,
    "skipped_trial": np.int64,
}


def headline(result: Result) -> dict[str, Any]:
    """The summary of a result as JSON values."""
    return {
        "protocol": result.protocol,
        "note": result.note,
        "ap": result.ap.value,
        "cmc_counts": result.cmc_counts.value,
        "ties": TIES,
        "max_rank": result.max_rank,
        "trials": result.trials,
        "valid": result.valid.tolist(),
        "skipped": result.skipped.tolist(),
        "summary": result.summary(),
        "cmc": result.cmc.tolist(),
        "trial_map": result.trial_map.tolist(),
        "trial_minp": result.trial_minp.tolist(),
        "trial_rank1": result.trial_cmc[:, 0].tolist(),
    }


def save_result(result: Result, path: Path) -> None:
    """Write a result, all or nothing."""
    columns = {name: getattr(result, name).tolist() for name in _COLUMNS}
    write_json({"format": FORMAT, **headline(result), "per_query": columns}, path)


def load_result(path: Path) -> Result:
    """Read a result; anything else is a `StorageError`."""
    held = read_format(path, FORMAT)
    try:
        columns: dict[str, Any] = {
            name: np.array(_column(held["per_query"], name), dtype) for name, dtype in _COLUMNS.items()
        }
        columns["rank"] = columns["rank"].reshape(len(columns["query"]), -1)
        result = Result(
            protocol=str(held["protocol"]),
            note=str(held["note"]),
            ap=AveragePrecision(held["ap"]),
            cmc_counts=Cmc(held["cmc_counts"]),
            max_rank=int(held["max_rank"]),
            trials=int(held["trials"]),
            **columns,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as damage:
        raise StorageError(f"{path} is not a whole result of an evaluation: {damage}") from damage
    answered = ("trial", "person", "matches", "rank", "average_precision", "inp")
    if any(len(getattr(result, name)) != len(result) for name in answered):
        raise StorageError(f"{path} is not a whole result of an evaluation: its columns differ in length")
    return result


def _column(columns: Mapping[str, Any], name: str) -> Any:
    return columns[name if name in columns else _FORMER.get(name, name)]


def write_json(held: Mapping[str, Any], path: Path) -> None:
    """Write JSON, all or nothing; NaN and infinity are refused."""
    text = json.dumps(held, indent=1, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def read_format(path: Path, expected: str) -> dict[str, Any]:
    """Read JSON that says which format it is."""
    held = read_json(path, "figures")
    if not isinstance(held, dict) or held.get("format") != expected:
        got = held.get("format") if isinstance(held, dict) else type(held).__name__
        raise StorageError(f"{path} must be of format {expected}, got {got}")
    return held
