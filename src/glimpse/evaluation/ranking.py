"""The ranks of all right answers of a protocol, trial by trial; every measure is computed from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glimpse.compiled import over_pieces
from glimpse.errors import ShapeError
from glimpse.evaluation.kernels import Queries, chunk_columns, rank_matches
from glimpse.evaluation.sources import Block, ScoreSource
from glimpse.evaluation.trial_index import TrialIndex, index_trial
from glimpse.protocols import Cmc, Protocol
from glimpse.records import IntArray


@dataclass(frozen=True, eq=False)
class TrialRanks:
    """The ranks of the right answers of a trial.

    Attributes:
        query: [n] rows of the protocol's `query` that have a right answer, ascending.
        person: [n].
        offsets: [n + 1]; the ranks of query i are `ranks[offsets[i] : offsets[i + 1]]`.
        ranks: from 1, ascending within a query.
        place: [n] the rank that the CMC counts: the first right answer's, or its person's.
        skipped: rows of the protocol's `query` that have no right answer, ascending.
    """

    query: IntArray
    person: IntArray
    offsets: IntArray
    ranks: IntArray
    place: IntArray
    skipped: IntArray


def rank_protocol(source: ScoreSource, protocol: Protocol) -> tuple[TrialRanks, ...]:
    """Rank the right answers of every trial in one pass over the scores."""
    indexes = [index_trial(protocol.comparison(trial)) for trial in protocol.trials]
    parts: list[list[tuple[IntArray, IntArray]]] = [[] for _ in indexes]
    for block in source.blocks():
        for index, part in zip(indexes, parts, strict=True):
            part.append(_rank_block(block, index, protocol.cmc is Cmc.IDENTITIES))
    return tuple(_joined(index, part) for index, part in zip(indexes, parts, strict=True))


def queries_of(block: Block, index: TrialIndex) -> slice:
    """Which queries of a trial a block holds: consecutive ones, as both are sorted by row."""
    first, last = np.searchsorted(index.query_rows, [block.start, block.start + len(block.scores)])
    return slice(int(first), int(last))


def offsets_of(counts: IntArray) -> IntArray:
    """Where each list begins if lists of these lengths follow one another, [n + 1]."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def refuse_nan(nan_at: IntArray, index: TrialIndex, first: int) -> None:
    """Name the first query and gallery row whose score is not a number.

    Args:
        nan_at: [n] a gallery position that holds NaN, or -1, for consecutive queries.
        index: the trial.
        first: the first of the queries.
    """
    bad = np.flatnonzero(nan_at >= 0)
    if bad.size:
        raise ShapeError(
            f"scores must be numbers, got nan for query row {index.query_rows[first + bad[0]]}, "
            f"gallery row {index.columns[nan_at[bad[0]]]}"
        )


def _rank_block(block: Block, index: TrialIndex, by_identity: bool) -> tuple[IntArray, IntArray]:
    """Ranks of the right answers of a block's queries, and the place that the CMC counts for each query."""
    chosen = queries_of(block, index)
    counts = index.matches[chosen]
    offsets = offsets_of(counts)
    ranks = np.empty(offsets[-1], np.int64)
    place = np.zeros(len(counts), np.int64)
    nan_at = np.full(len(counts), -1, np.int64)
    queries = Queries(chosen.start, offsets)

    over_pieces(
        rank_matches,
        len(counts),
        block.scores,
        block.start,
        index,
        chunk_columns(index.columns),
        queries,
        by_identity,
        ranks,
        place,
        nan_at,
    )
    refuse_nan(nan_at, index, chosen.start)
    if not by_identity:
        place[counts > 0] = ranks[offsets[:-1][counts > 0]]
    return ranks, place


def _joined(index: TrialIndex, parts: list[tuple[IntArray, IntArray]]) -> TrialRanks:
    none = np.empty(0, np.int64)
    answered = index.matches > 0
    return TrialRanks(
        query=index.query_rows[answered],
        person=index.query_person[answered],
        offsets=offsets_of(index.matches[answered]),
        ranks=np.concatenate([none, *(ranks for ranks, _ in parts)]),
        place=np.concatenate([none, *(place for _, place in parts)])[answered],
        skipped=index.query_rows[~answered],
    )
