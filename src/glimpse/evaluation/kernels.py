"""Ranks by counting: how many gallery rows stand before each right answer. Nothing is sorted.

A gallery row stands before another if its score is higher, or equal and its position smaller, which
is the order of a stable sort. Every kernel treats its queries independently, and is run on pieces of
them by `glimpse.compiled.over_pieces`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import int32

from glimpse.compiled import compiled, inlined
from glimpse.evaluation.sources import FloatArray
from glimpse.evaluation.trial_index import TrialIndex
from glimpse.records import IntArray

FEW = 512
"""Up to so many right answers the whole row is counted once for each (vectorized); above, each row is
placed among the sorted right answers, whose cost grows more slowly. Both are exact. Our choice, measured
with galleries of 2,000 to 80,000: the costs meet at 256 to 512 for float64, above that for float32."""


class Queries(NamedTuple):
    """Consecutive queries of a `TrialIndex`, and where each one's right answers are kept.

    Attributes:
        first: the first of them.
        offsets: [n + 1] for n queries.
    """

    first: int
    offsets: IntArray


@compiled
def gather_row(scores: FloatArray, row: int, columns: IntArray, values: FloatArray) -> int:
    """Copy the trial's columns of one row into `values`; the first position with NaN, or -1."""
    nans = int32(0)
    for j in range(columns.shape[0]):
        values[j] = scores[row, columns[j]]
    for j in range(columns.shape[0]):
        nans = int32(nans + int32(values[j] != values[j]))
    if nans > 0:
        for j in range(columns.shape[0]):
            if np.isnan(values[j]):
                return j
    return -1


@compiled
def _count_not_below(values: FloatArray, score: float) -> int:
    count: int = int32(0)  # a wider counter halves the lanes of the vector unit
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] >= score))
    return count


@compiled
def _count_above(values: FloatArray, score: float) -> int:
    count: int = int32(0)
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] > score))
    return count


@compiled
def _rank_few(values: FloatArray, places: IntArray, left_out: IntArray, ranks: IntArray) -> None:
    """Ranks of the rows `places`, in their order; excluded rows hold minus infinity in `values`."""
    for k in range(places.shape[0]):
        i = places[k]
        score = values[i]
        before = _count_not_below(values[:i], score) + _count_above(values[i + 1 :], score)
        if score == -np.inf:  # only here an excluded row ties with one that counts
            for n in range(left_out.shape[0]):
                if left_out[n] < i:
                    before -= 1
        ranks[k] = before + 1


@inlined
def _before(values: FloatArray, i: int, j: int) -> bool:
    """Whether the row at position i stands before the one at j."""
    return values[i] > values[j] or (values[i] == values[j] and i < j)


@compiled
def _sorted_places(values: FloatArray, places: IntArray) -> IntArray:
    """The positions in their order of standing: a merge sort, as numba's own takes seconds to compile."""
    order, spare = places.copy(), np.empty_like(places)
    width = 1
    while width < order.shape[0]:
        for low in range(0, order.shape[0], 2 * width):
            middle = min(low + width, order.shape[0])
            high = min(low + 2 * width, order.shape[0])
            left, right = low, middle
            for k in range(low, high):
                if left < middle and (right >= high or _before(values, order[left], order[right])):
                    spare[k] = order[left]
                    left += 1
                else:
                    spare[k] = order[right]
                    right += 1
        order, spare = spare, order
        width *= 2
    return order


@compiled
def _rank_many(
    values: FloatArray, places: IntArray, gallery_key: IntArray, key: int, ranks: IntArray
) -> None:
    """The same, for many right answers: each row is placed among them by bisection."""
    order = _sorted_places(values, places)
    ranks[:] = 0
    for j in range(values.shape[0]):
        if gallery_key[j] == key:
            continue
        low, high = 0, order.shape[0]  # how many right answers stand before row j
        while low < high:
            middle = (low + high) // 2
            if _before(values, order[middle], j):
                low = middle + 1
            else:
                high = middle
        if low < order.shape[0]:
            ranks[low] += 1
    for k in range(1, ranks.shape[0]):
        ranks[k] += ranks[k - 1]


@compiled
def _persons_before(
    values: FloatArray,
    best: int,
    key: int,
    gallery_key: IntArray,
    gallery_person: IntArray,
    seen: IntArray,
    mark: int,
) -> int:
    """How many persons have a row that stands before position `best`."""
    score = values[best]
    persons = 0
    for j in range(values.shape[0]):
        if (values[j] > score or (values[j] == score and j < best)) and gallery_key[j] != key:
            p = gallery_person[j]
            if seen[p] != mark:
                seen[p] = mark
                persons += 1
    return persons


@compiled
def rank_matches(
    first: int,
    last: int,
    scores: FloatArray,
    start: int,
    index: TrialIndex,
    queries: Queries,
    by_identity: bool,
    ranks: IntArray,
    place: IntArray,
    nan_at: IntArray,
) -> None:
    """Rank every right answer of some queries among the gallery rows that count.

    Args:
        first: the first query to rank, of n.
        last: the query to stop before.
        scores: [B, W] higher is better.
        start: row of the protocol's `query` that the first row of scores is.
        index: the trial.
        queries: the trial's queries that the scores hold, n of them.
        by_identity: whether to fill `place`.
        ranks: [queries.offsets[n]] filled, from 1, within a query in no particular order.
        place: [n] filled if `by_identity`: the rank of the person among persons by their best row.
        nan_at: [n] filled: a gallery position that holds NaN, or -1.
    """
    persons, keys, offsets = index.persons, index.keys, queries.offsets
    values = np.empty(index.columns.shape[0], scores.dtype)
    places = np.empty(index.columns.shape[0], np.int64)
    seen = np.full(persons.start.shape[0] if by_identity else 0, -1)
    for n in range(first, last):
        q = queries.first + n
        nan_at[n] = gather_row(scores, index.query_rows[q] - start, index.columns, values)
        if nan_at[n] >= 0 or index.matches[q] == 0:
            continue
        key = keys.of_query[q]
        found, best = 0, -1
        for r in range(persons.start[persons.of_query[q]], persons.start[persons.of_query[q] + 1]):
            i = persons.rows[r]
            if keys.of_gallery[i] != key:
                places[found] = i
                found += 1
                if best < 0 or _before(values, i, best):
                    best = i
        if by_identity:
            place[n] = 1 + _persons_before(values, best, key, keys.of_gallery, persons.of_gallery, seen, n)
        mine = ranks[offsets[n] : offsets[n + 1]]
        if found > FEW:
            _rank_many(values, places[:found], keys.of_gallery, key, mine)
        else:
            left_out = keys.rows[keys.start[key] : keys.start[key + 1]] if key >= 0 else keys.rows[:0]
            for k in range(left_out.shape[0]):
                values[left_out[k]] = -np.inf
            _rank_few(values, places[:found], left_out, mine)
