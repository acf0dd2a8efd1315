"""CUHK03-style sampling: for each query and repeat one gallery row of each person is drawn.

Each draw is a hash of seed, query, repeat and person, so that it depends neither on the order of
rows in a protocol nor on the number of threads nor on where the data lie.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, uint64

from glimpse.evaluation.indexing import TrialIndex, index_trial
from glimpse.evaluation.kernels import chunks, gather_row
from glimpse.evaluation.ranking import TrialRanks, offsets_of, queries_of, refuse_nan
from glimpse.evaluation.sources import Block, ScoreSource
from glimpse.protocols import Protocol, SingleShot
from glimpse.records import IntArray, Records


def rank_single_shot(source: ScoreSource, protocol: Protocol, sampling: SingleShot) -> tuple[TrialRanks, ...]:
    """Ranks of the drawn right answer, `sampling.repeats` per query; each counts as a list of its own."""
    query_order = _places(protocol.query)
    gallery_order = _places(protocol.gallery)
    indexes = [index_trial(protocol.comparison(trial), gallery_order) for trial in protocol.trials]
    orders = [np.argsort(index.query_rows, kind="stable") for index in indexes]
    parts: list[list[IntArray]] = [[] for _ in indexes]
    for block in source.blocks():
        for index, order, part in zip(indexes, orders, parts, strict=True):
            part.append(_draw_block(block, index, queries_of(block, index, order), query_order, sampling))
    return tuple(
        _joined(index, order, part, sampling.repeats)
        for index, order, part in zip(indexes, orders, parts, strict=True)
    )


def _places(records: Records) -> IntArray:
    """The place of each row when rows are sorted by path and caption: the same on every machine."""
    order = sorted(range(len(records)), key=lambda row: (records.path[row], records.caption[row], row))
    place = np.empty(len(records), np.int64)
    place[order] = np.arange(len(records))
    return place


def _draw_block(
    block: Block, index: TrialIndex, chosen: IntArray, query_order: IntArray, sampling: SingleShot
) -> IntArray:
    ranks = np.zeros((len(chosen), sampling.repeats), np.int64)
    nan_at = np.full(len(chosen), -1, np.int64)
    _draw_and_rank(
        block.scores,
        index.query_rows[chosen] - block.start,
        index.columns,
        index.persons.of_query[chosen],
        index.persons.start,
        index.persons.rows,
        index.persons.label.astype(np.uint64),
        index.keys.of_query[chosen],
        index.keys.of_gallery,
        index.matches[chosen],
        query_order[index.query_rows[chosen]].astype(np.uint64),
        np.uint64(sampling.seed % 2**64),
        chunks(len(chosen)),
        ranks,
        nan_at,
    )
    refuse_nan(nan_at, index, chosen)
    return ranks


def _joined(index: TrialIndex, order: IntArray, parts: list[IntArray], repeats: int) -> TrialRanks:
    ranks = np.concatenate([np.empty((0, repeats), np.int64), *parts])
    answered = index.matches[order] > 0
    kept = ranks[answered].reshape(-1)
    return TrialRanks(
        index.query_rows[order][answered],
        index.query_person[order][answered],
        offsets_of(np.ones(len(kept), np.int64)),
        kept,
        kept,
        index.query_rows[order][~answered],
    )


@njit(cache=True, inline="always")
def _mixed(value):  # type: ignore[no-untyped-def]
    """The finaliser of SplitMix64: every bit of the input changes half of the output's."""
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


@njit(cache=True, inline="always")
def _chained(state, value):  # type: ignore[no-untyped-def]
    return _mixed((state ^ value) * uint64(0x9E3779B97F4A7C15) + uint64(0x632BE59BD9B4E019))


@njit(cache=True, inline="always")
def _below(state, count):  # type: ignore[no-untyped-def]
    """A number below `count`, uniform up to count / 2^32."""
    return np.int64(((state >> uint64(32)) * uint64(count)) >> uint64(32))


@njit(parallel=True, cache=True)
def _draw_and_rank(  # type: ignore[no-untyped-def]
    scores,
    score_rows,
    columns,
    query_person,
    person_start,
    person_rows,
    person_label,
    query_key,
    gallery_key,
    matches,
    query_place,
    seed,
    pieces,
    ranks,
    nan_at,
):
    n, g, persons = score_rows.shape[0], columns.shape[0], person_start.shape[0] - 1
    for piece in prange(pieces):
        values = np.empty(g, scores.dtype)
        rows = np.empty(g, np.int64)
        start = np.zeros(persons + 1, np.int64)
        for q in range(n * piece // pieces, n * (piece + 1) // pieces):
            nan_at[q] = gather_row(scores, score_rows[q], columns, values)
            if nan_at[q] >= 0 or matches[q] == 0:
                continue
            counted = 0
            for p in range(persons):
                for place in range(person_start[p], person_start[p + 1]):
                    if gallery_key[person_rows[place]] != query_key[q]:
                        rows[counted] = person_rows[place]
                        counted += 1
                start[p + 1] = counted
            own = query_person[q]
            of_query = _chained(_mixed(seed), query_place[q])
            for repeat in range(ranks.shape[1]):
                state = _chained(of_query, uint64(repeat))
                right = rows[start[own] + _below(_chained(state, person_label[own]), matches[q])]
                before = 0
                for p in range(persons):
                    count = start[p + 1] - start[p]
                    if count == 0 or p == own:
                        continue
                    drawn = rows[start[p] + _below(_chained(state, person_label[p]), count)]
                    if values[drawn] > values[right] or (values[drawn] == values[right] and drawn < right):
                        before += 1
                ranks[q, repeat] = before + 1
