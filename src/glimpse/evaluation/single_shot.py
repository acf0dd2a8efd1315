"""CUHK03-style sampling: for each query and repeat one gallery row of each person is drawn.

Each draw is a hash of seed, query, repeat and person, so that it depends neither on the order of
rows in a protocol nor on the number of threads nor on where the data lie.
"""

from __future__ import annotations

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from glimpse.compiled import compiled, inlined, over_pieces
from glimpse.evaluation.kernels import gather_row
from glimpse.evaluation.ranking import TrialRanks, offsets_of, queries_of, refuse_nan
from glimpse.evaluation.sources import Block, FloatArray, ScoreSource
from glimpse.evaluation.trial_index import TrialIndex, index_trial
from glimpse.protocols import Protocol, SingleShot
from glimpse.records import IntArray, Records

Random = np.uint64
UIntArray = NDArray[Random]


def rank_single_shot(source: ScoreSource, protocol: Protocol, sampling: SingleShot) -> tuple[TrialRanks, ...]:
    """Ranks of the drawn right answer, `sampling.repeats` per query; each counts as a list of its own."""
    query_order = _places(protocol.query)
    gallery_order = _places(protocol.gallery)
    indexes = [index_trial(protocol.comparison(trial), gallery_order) for trial in protocol.trials]
    parts: list[list[IntArray]] = [[] for _ in indexes]
    for block in source.blocks():
        for index, part in zip(indexes, parts, strict=True):
            part.append(_draw_block(block, index, query_order, sampling))
    return tuple(_joined(index, part, sampling.repeats) for index, part in zip(indexes, parts, strict=True))


def _places(records: Records) -> IntArray:
    """The place of each row in the order by path and caption, which is the same on every machine."""
    order = sorted(range(len(records)), key=lambda row: (records.path[row], records.caption[row], row))
    place = np.empty(len(records), np.int64)
    place[order] = np.arange(len(records))
    return place


def _draw_block(block: Block, index: TrialIndex, query_order: IntArray, sampling: SingleShot) -> IntArray:
    chosen = queries_of(block, index)
    count = chosen.stop - chosen.start
    ranks = np.zeros((count, sampling.repeats), np.int64)
    nan_at = np.full(count, -1, np.int64)
    # what a draw depends on: the same whatever the order of rows
    labels = index.persons.label.astype(np.uint64)
    places = query_order[index.query_rows].astype(np.uint64)
    seed = np.uint64(sampling.seed % 2**64)

    over_pieces(
        _draw_and_rank,
        count,
        block.scores,
        block.start,
        index,
        chosen.start,
        seed,
        labels,
        places,
        ranks,
        nan_at,
    )
    refuse_nan(nan_at, index, chosen.start)
    return ranks


def _joined(index: TrialIndex, parts: list[IntArray], repeats: int) -> TrialRanks:
    answered = index.matches > 0
    ranks = np.concatenate([np.empty((0, repeats), np.int64), *parts])[answered].reshape(-1)
    return TrialRanks(
        query=index.query_rows[answered],
        person=index.query_person[answered],
        offsets=offsets_of(np.ones(len(ranks), np.int64)),
        ranks=ranks,
        place=ranks,
        skipped=index.query_rows[~answered],
    )


@inlined
def _mixed(value: Random) -> Random:
    """The finalizer of SplitMix64: every bit of the input changes half of the output's."""
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    mixed: Random = value ^ (value >> uint64(31))
    return mixed


@inlined
def _chained(state: Random, value: Random) -> Random:
    return _mixed((state ^ value) * uint64(0x9E3779B97F4A7C15) + uint64(0x632BE59BD9B4E019))


@inlined
def _below(state: Random, count: int) -> int:
    """A number below `count`, uniform up to count / 2^32."""
    number: int = int64(((state >> uint64(32)) * uint64(count)) >> uint64(32))
    return number


@compiled
def _draw_and_rank(
    first: int,
    last: int,
    scores: FloatArray,
    start: int,
    index: TrialIndex,
    first_query: int,
    seed: Random,
    labels: UIntArray,
    places: UIntArray,
    ranks: IntArray,
    nan_at: IntArray,
) -> None:
    """Draw and rank the right answer of some queries.

    Args:
        first: the first query to rank, of n.
        last: the query to stop before.
        scores: [B, W] higher is better.
        start: row of the protocol's `query` that the first row of scores is.
        index: the trial.
        first_query: the first of the trial's queries that the scores hold, n of them.
        seed: of all draws.
        labels: [P] what a person's draws depend on.
        places: [Q] what a query's draws depend on.
        ranks: [n, repeats] filled, from 1.
        nan_at: [n] filled: a gallery position that holds NaN, or -1.
    """
    persons, keys = index.persons, index.keys
    groups = persons.start.shape[0] - 1
    values = np.empty(index.columns.shape[0], scores.dtype)
    rows = np.empty(index.columns.shape[0], np.int64)
    begin = np.zeros(groups + 1, np.int64)
    for n in range(first, last):
        q = first_query + n
        nan_at[n] = gather_row(scores, index.query_rows[q] - start, index.columns, values)
        if nan_at[n] >= 0 or index.matches[q] == 0:
            continue
        counted = 0
        for p in range(groups):
            for r in range(persons.start[p], persons.start[p + 1]):
                if keys.of_gallery[persons.rows[r]] != keys.of_query[q]:
                    rows[counted] = persons.rows[r]
                    counted += 1
            begin[p + 1] = counted
        own = persons.of_query[q]
        of_query = _chained(_mixed(seed), places[q])
        for repeat in range(ranks.shape[1]):
            state = _chained(of_query, uint64(repeat))
            right = rows[begin[own] + _below(_chained(state, labels[own]), index.matches[q])]
            rank = 1
            for p in range(groups):
                count = begin[p + 1] - begin[p]
                if count > 0 and p != own:
                    drawn = rows[begin[p] + _below(_chained(state, labels[p]), count)]
                    if values[drawn] > values[right] or (values[drawn] == values[right] and drawn < right):
                        rank += 1
            ranks[n, repeat] = rank
