"""The ranks of all right answers of a protocol, trial by trial: all that the measures need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glimpse.errors import ShapeError
from glimpse.evaluation.indexing import TrialIndex, index_trial
from glimpse.evaluation.kernels import chunks, rank_matches
from glimpse.evaluation.sources import Block, ScoreSource
from glimpse.protocols import Cmc, Protocol
from glimpse.records import IntArray


@dataclass(frozen=True, eq=False)
class TrialRanks:
    """Where the right answers of a trial stand.

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
    orders = [np.argsort(index.query_rows, kind="stable") for index in indexes]
    parts: list[list[tuple[IntArray, IntArray]]] = [[] for _ in indexes]
    by_identity = protocol.cmc is Cmc.IDENTITIES
    for block in source.blocks():
        for index, order, part in zip(indexes, orders, parts, strict=True):
            part.append(_rank_block(block, index, queries_of(block, index, order), by_identity))
    return tuple(
        _joined(index, order, part) for index, order, part in zip(indexes, orders, parts, strict=True)
    )


def queries_of(block: Block, index: TrialIndex, order: IntArray) -> IntArray:
    """Which queries of a trial, in `order` of their rows, a block holds."""
    rows = index.query_rows[order]
    first, last = np.searchsorted(rows, [block.start, block.start + len(block.scores)])
    return order[first:last]


def offsets_of(counts: IntArray) -> IntArray:
    """Where each list begins if lists of these lengths follow one another, [n + 1]."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def refuse_nan(nan_at: IntArray, index: TrialIndex, chosen: IntArray) -> None:
    """Name the first query and gallery row whose score is not a number."""
    bad = np.flatnonzero(nan_at >= 0)
    if bad.size:
        query = index.query_rows[chosen[bad[0]]]
        raise ShapeError(
            f"scores must be numbers, got nan for query row {query}, "
            f"gallery row {index.columns[nan_at[bad[0]]]}"
        )


def _rank_block(
    block: Block, index: TrialIndex, chosen: IntArray, by_identity: bool
) -> tuple[IntArray, IntArray]:
    """Ranks of the chosen queries' right answers, and the places of their persons."""
    offsets = offsets_of(index.matches[chosen])
    ranks = np.empty(offsets[-1], np.int64)
    identity = np.zeros(len(chosen), np.int64)
    nan_at = np.full(len(chosen), -1, np.int64)
    rank_matches(
        block.scores,
        index.query_rows[chosen] - block.start,
        index.columns,
        index.persons.of_query[chosen],
        index.persons.start,
        index.persons.rows,
        index.persons.of_gallery,
        index.keys.of_query[chosen],
        index.keys.start,
        index.keys.rows,
        index.keys.of_gallery,
        offsets,
        by_identity,
        chunks(len(chosen)),
        ranks,
        identity,
        nan_at,
    )
    refuse_nan(nan_at, index, chosen)
    if not by_identity:
        answered = index.matches[chosen] > 0
        identity[answered] = ranks[offsets[:-1][answered]]
    return ranks, identity


def _joined(index: TrialIndex, order: IntArray, parts: list[tuple[IntArray, IntArray]]) -> TrialRanks:
    none = np.empty(0, np.int64)
    ranks = np.concatenate([none, *(ranks for ranks, _ in parts)])
    place = np.concatenate([none, *(place for _, place in parts)])
    answered = index.matches[order] > 0
    return TrialRanks(
        index.query_rows[order][answered],
        index.query_person[order][answered],
        offsets_of(index.matches[order][answered]),
        ranks,
        place[answered],
        index.query_rows[order][~answered],
    )
