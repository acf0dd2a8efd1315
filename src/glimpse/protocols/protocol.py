"""`Protocol`: queries, gallery, and which matches count; plain data and pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from glimpse.errors import OptionError
from glimpse.records import JUNK, BoolArray, IntArray, Records

Exclusion = Callable[[Records, Records], tuple[IntArray, IntArray]]
"""A rule that keeps gallery rows from counting, as one key per row: a gallery row does not count
for a query whose key it shares. The functions in `glimpse.protocols.exclusion` are all there are;
a key makes every published rule one integer comparison, fast in any evaluator."""


class Cmc(Enum):
    """What a rank counts."""

    IMAGES = "images"
    """Every gallery row takes a place (Market-1501)."""
    IDENTITIES = "identities"
    """Only the best row of each person takes a place (SYSU-MM01, LLCM)."""


@dataclass(frozen=True)
class SingleShot:
    """CUHK03-style sampling: for each query one gallery row per person is drawn, many times over.

    Attributes:
        repeats: draws per query; 10 in torchreid.
        seed: of the generator that draws.
    """

    repeats: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise OptionError(f"single-shot sampling needs at least 1 repeat, got {self.repeats}")


@dataclass(frozen=True, eq=False)
class Trial:
    """One run of a protocol: which of its rows take part.

    Attributes:
        query: row numbers into the protocol's `query`.
        gallery: row numbers into the protocol's `gallery`.
    """

    query: IntArray
    gallery: IntArray


@dataclass(frozen=True)
class Validity:
    """How many queries have at least one right answer left, and how many have none."""

    valid: int
    skipped: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """A trial as integer arrays, as evaluators take it. Junk rows are left out of the gallery.

    Attributes:
        query_rows: [Q] row numbers into the protocol's `query`.
        gallery_rows: [G] row numbers into the protocol's `gallery`.
        query_person: [Q]; a gallery row with the same person is a right answer.
        gallery_person: [G].
        query_key: [Q]; a gallery row with the same key does not count for the query.
        gallery_key: [G].
    """

    query_rows: IntArray
    gallery_rows: IntArray
    query_person: IntArray
    gallery_person: IntArray
    query_key: IntArray
    gallery_key: IntArray

    def matches_per_query(self) -> IntArray:
        """How many right answers count for each query, [Q]; 0 means that it is skipped."""
        from_anyone = _count(self.query_person, self.gallery_person)
        # of those, the ones with the query's own key do not count
        persons = np.concatenate([self.query_person, self.gallery_person])
        keys = np.concatenate([self.query_key, self.gallery_key])
        _, pair = np.unique(np.stack([persons, keys]), axis=1, return_inverse=True)
        pair = pair.reshape(-1)
        excluded = _count(pair[: len(self.query_rows)], pair[len(self.query_rows) :])
        counted: IntArray = np.where(self.query_person >= 0, from_anyone - excluded, 0)
        return counted

    def validity(self) -> Validity:
        """How many queries are valid and how many must be skipped."""
        valid = int(np.count_nonzero(self.matches_per_query()))
        return Validity(valid, len(self.query_rows) - valid)


def _count(wanted: IntArray, among: IntArray) -> IntArray:
    """How often each wanted value occurs."""
    values, counts = np.unique(among, return_counts=True)
    if not len(values):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    found: IntArray = np.where(values[place] == wanted, counts[place], 0)
    return found


@dataclass(frozen=True, eq=False)
class Protocol:
    """Queries and gallery, what is excluded, and how ranks are counted.

    Attributes:
        name: as a command takes it: `test`, `all-single`, `visible-to-thermal`.
        query: every row that is a query in some trial.
        gallery: every row that is in the gallery of some trial.
        exclusion: which gallery rows do not count for a query.
        trials: results are averaged over them.
        cmc: what a rank counts.
        single_shot: CUHK03-style sampling, or None for the whole gallery.
        trained_on: name of the layout whose training rows the literature uses with this protocol.
        note: what a report must say beside the numbers.
    """

    name: str
    query: Records
    gallery: Records
    exclusion: Exclusion
    trials: tuple[Trial, ...] = field(default=())
    cmc: Cmc = Cmc.IMAGES
    single_shot: SingleShot | None = None
    trained_on: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.trials:
            object.__setattr__(self, "trials", (whole_trial(self.query, self.gallery),))
        for number, trial in enumerate(self.trials):
            for side, rows, table in (
                ("query", trial.query, self.query),
                ("gallery", trial.gallery, self.gallery),
            ):
                if rows.ndim != 1 or (rows.size and (rows.min() < 0 or rows.max() >= len(table))):
                    raise OptionError(
                        f"protocol {self.name}, trial {number}: {side} rows must lie in 0..{len(table) - 1}"
                    )

    def comparison(self, trial: Trial) -> Comparison:
        """The rows, persons and exclusion keys of a trial."""
        query = self.query[trial.query]
        gallery_rows = trial.gallery[self.gallery.person[trial.gallery] != JUNK]
        gallery = self.gallery[gallery_rows]
        query_key, gallery_key = self.exclusion(query, gallery)
        return Comparison(trial.query, gallery_rows, query.person, gallery.person, query_key, gallery_key)

    def keeping(self, gallery: BoolArray) -> Protocol:
        """The same protocol with only the gallery rows where `gallery`, boolean [N], is true."""
        place = np.cumsum(gallery) - 1
        trials = tuple(
            Trial(trial.query, place[trial.gallery[gallery[trial.gallery]]]) for trial in self.trials
        )
        return replace(self, gallery=self.gallery[gallery], trials=trials)

    def validity(self) -> tuple[Validity, ...]:
        """Valid and skipped queries of each trial."""
        return tuple(self.comparison(trial).validity() for trial in self.trials)


def whole_trial(query: Records, gallery: Records) -> Trial:
    """The trial in which every row takes part."""
    return Trial(np.arange(len(query)), np.arange(len(gallery)))
