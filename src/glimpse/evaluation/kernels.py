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

CHUNK = 2048
"""Scores of a row that are compared with all right answers before the next ones are read: they come from
memory once, from the first cache after that. Our choice, measured from 512 to 8192."""


class Queries(NamedTuple):
    """Consecutive queries of a `TrialIndex`, and where each one's right answers are kept.

    Attributes:
        first: the first of them.
        offsets: [n + 1] for n queries.
    """

    first: int
    offsets: IntArray


class Workspace(NamedTuple):
    """Buffers of a thread that ranks few right answers.

    Attributes:
        buffer: [CHUNK] scores that are not next to each other in a row.
        scores: [FEW] of the right answers.
        splits: [FEW] gallery positions where ties with them end.
        counts: [FEW] rows that stand before them but do not count.
        columns: [G] of the rows that do not count.
        begins: [chunks] -1.
    """

    buffer: FloatArray
    scores: FloatArray
    splits: IntArray
    counts: IntArray
    columns: IntArray
    begins: IntArray


def chunk_columns(columns: IntArray) -> IntArray:
    """The column at which each chunk of the trial's gallery begins, or -1 if its columns have gaps.

    A chunk without gaps is a slice of a row of scores and needs no copy.
    """
    first = np.arange(0, len(columns), CHUNK)
    last = np.minimum(first + CHUNK, len(columns)) - 1
    gaps = np.zeros(len(columns), np.int64)
    np.cumsum(np.diff(columns) != 1, out=gaps[1:])
    return np.where(gaps[first] == gaps[last], columns[first], -1)


@compiled
def _first_nan(row: FloatArray, columns: IntArray) -> int:
    """The first position with NaN among these columns of a row, or -1."""
    for j in range(columns.shape[0]):
        if np.isnan(row[columns[j]]):
            return j
    return -1


@compiled
def gather_row(scores: FloatArray, row: int, columns: IntArray, values: FloatArray) -> int:
    """Copy the trial's columns of one row into `values`; the first position with NaN, or -1."""
    for j in range(columns.shape[0]):
        values[j] = scores[row, columns[j]]
    return _first_nan(scores[row], columns) if _count_nan(values) else -1


@compiled
def _count_nan(values: FloatArray) -> int:
    count: int = int32(0)  # a wider counter halves the lanes of the vector unit
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] != values[j]))
    return count


@compiled
def _count_equal(values: FloatArray, score: float) -> int:
    count: int = int32(0)
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] == score))
    return count


@compiled
def _add_above(values: FloatArray, scores: FloatArray, first: int, last: int, counts: IntArray) -> None:
    """Add to `counts[k]` how many values are above `scores[k]`, for k from `first` on, before `last`.

    Four scores share each read of a value.
    """
    k = first
    while k + 4 <= last:
        s0, s1, s2, s3 = scores[k], scores[k + 1], scores[k + 2], scores[k + 3]
        n0, n1, n2, n3 = int32(0), int32(0), int32(0), int32(0)
        for j in range(values.shape[0]):
            value = values[j]
            n0 = int32(n0 + int32(value > s0))
            n1 = int32(n1 + int32(value > s1))
            n2 = int32(n2 + int32(value > s2))
            n3 = int32(n3 + int32(value > s3))
        counts[k] += n0
        counts[k + 1] += n1
        counts[k + 2] += n2
        counts[k + 3] += n3
        k += 4
    while k < last:
        s0, n0 = scores[k], int32(0)
        for j in range(values.shape[0]):
            n0 = int32(n0 + int32(values[j] > s0))
        counts[k] += n0
        k += 1


@compiled
def _add_not_below(values: FloatArray, scores: FloatArray, first: int, last: int, counts: IntArray) -> None:
    """The same for the values that are not below each of the scores."""
    k = first
    while k + 4 <= last:
        s0, s1, s2, s3 = scores[k], scores[k + 1], scores[k + 2], scores[k + 3]
        n0, n1, n2, n3 = int32(0), int32(0), int32(0), int32(0)
        for j in range(values.shape[0]):
            value = values[j]
            n0 = int32(n0 + int32(value >= s0))
            n1 = int32(n1 + int32(value >= s1))
            n2 = int32(n2 + int32(value >= s2))
            n3 = int32(n3 + int32(value >= s3))
        counts[k] += n0
        counts[k + 1] += n1
        counts[k + 2] += n2
        counts[k + 3] += n3
        k += 4
    while k < last:
        s0, n0 = scores[k], int32(0)
        for j in range(values.shape[0]):
            n0 = int32(n0 + int32(values[j] >= s0))
        counts[k] += n0
        k += 1


@compiled
def _sort(numbers: IntArray) -> None:
    """Sort a few numbers in place, by insertion."""
    for k in range(1, numbers.shape[0]):
        number, place = numbers[k], k
        while place > 0 and numbers[place - 1] > number:
            numbers[place] = numbers[place - 1]
            place -= 1
        numbers[place] = number


@compiled
def _add_before(
    row: FloatArray,
    columns: IntArray,
    begins: IntArray,
    scores: FloatArray,
    splits: IntArray,
    buffer: FloatArray,
    counts: IntArray,
) -> bool:
    """Add to `counts[k]` how many of the columns stand before score k.

    Args:
        row: a query's scores.
        columns: [n] which of them.
        begins: of `columns`, by `chunk_columns`.
        scores: [k].
        splits: [k] ascending: of columns whose score is equal, the first so many stand before score k.
        buffer: [CHUNK] overwritten.
        counts: [k].

    Returns:
        Whether there is NaN; the counts mean nothing then.
    """
    behind = 0  # scores that stand before every equal one of this chunk
    for first in range(0, columns.shape[0], CHUNK):
        last = min(first + CHUNK, columns.shape[0])
        begin = begins[first // CHUNK]
        if begin >= 0:
            values = row[begin : begin + last - first]
        else:
            for j in range(last - first):
                buffer[j] = row[columns[first + j]]
            values = buffer[: last - first]
        while behind < splits.shape[0] and splits[behind] <= first:
            behind += 1
        _add_above(values, scores, 0, behind, counts)
        _add_not_below(values, scores, behind, splits.shape[0], counts)
        k = behind
        while k < splits.shape[0] and splits[k] < last:
            counts[k] -= _count_equal(values[splits[k] - first :], scores[k])
            k += 1
        if _count_nan(values) > 0:  # last, as the values are in the cache by now
            return True
    return False


@compiled
def _rank_few(
    row: FloatArray,
    columns: IntArray,
    begins: IntArray,
    places: IntArray,
    left_out: IntArray,
    space: Workspace,
    ranks: IntArray,
) -> int:
    """Fill the ranks of a query's right answers, ascending.

    Args:
        row: the query's scores.
        columns: [G] where the trial's gallery is in the row.
        begins: of `columns`, by `chunk_columns`.
        places: [k] gallery positions of the right answers, ascending.
        left_out: gallery positions that do not count, ascending.
        space: overwritten.
        ranks: [k] filled.

    Returns:
        The first gallery position with NaN, or -1; with NaN the ranks mean nothing.
    """
    found, excluded = places.shape[0], left_out.shape[0]
    scores, splits, counts = space.scores[:found], space.splits[:found], space.counts[:found]
    for k in range(found):
        scores[k] = row[columns[places[k]]]
        splits[k] = places[k] + 1  # counts itself, so that ranks begin at 1
        ranks[k] = 0
    if _add_before(row, columns, begins, scores, splits, space.buffer, ranks):
        return _first_nan(row, columns)
    if found > 0 and excluded > 0:
        for n in range(excluded):
            space.columns[n] = columns[left_out[n]]
        earlier = 0
        for k in range(found):
            while earlier < excluded and left_out[earlier] < places[k]:
                earlier += 1
            splits[k] = earlier
            counts[k] = 0
        _add_before(row, space.columns[:excluded], space.begins, scores, splits, space.buffer, counts)
        for k in range(found):
            ranks[k] -= counts[k]
    _sort(ranks)
    return -1


@inlined
def _before(values: FloatArray, i: int, j: int) -> bool:
    """Whether the row at position i stands before the one at j."""
    return values[i] > values[j] or (values[i] == values[j] and i < j)


@compiled
def _sorted_places(values: FloatArray, places: IntArray) -> IntArray:
    """The positions by rank: a merge sort, as numba's own takes seconds to compile."""
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
    """Fill the ranks of many right answers, ascending: each row is placed among them by bisection."""
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
    begins: IntArray,
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
        begins: of the trial's columns, by `chunk_columns`.
        queries: the trial's queries that the scores hold, n of them.
        by_identity: whether to fill `place`.
        ranks: [queries.offsets[n]] filled, from 1, ascending within a query.
        place: [n] filled if `by_identity`: the rank of the person among persons by their best row.
        nan_at: [n] filled: a gallery position that holds NaN, or -1.
    """
    persons, keys, offsets = index.persons, index.keys, queries.offsets
    values = np.empty(index.columns.shape[0], scores.dtype)
    places = np.empty(index.columns.shape[0], np.int64)
    space = Workspace(
        np.empty(CHUNK, scores.dtype),
        np.empty(FEW, scores.dtype),
        np.empty(FEW, np.int64),
        np.empty(FEW, np.int64),
        np.empty(index.columns.shape[0], np.int64),
        np.full(begins.shape[0], -1),
    )
    seen = np.full(persons.start.shape[0] if by_identity else 0, -1)
    for n in range(first, last):
        q = queries.first + n
        row = index.query_rows[q] - start
        key = keys.of_query[q]
        found = 0
        if index.matches[q] > 0:
            for r in range(persons.start[persons.of_query[q]], persons.start[persons.of_query[q] + 1]):
                i = persons.rows[r]
                if keys.of_gallery[i] != key:
                    places[found] = i
                    found += 1
        mine = ranks[offsets[n] : offsets[n + 1]]
        if found <= FEW:
            left_out = keys.rows[keys.start[key] : keys.start[key + 1]] if key >= 0 else keys.rows[:0]
            nan_at[n] = _rank_few(scores[row], index.columns, begins, places[:found], left_out, space, mine)
        if found > FEW or (by_identity and found > 0):
            nan_at[n] = gather_row(scores, row, index.columns, values)
        if nan_at[n] >= 0:
            continue
        if found > FEW:
            _rank_many(values, places[:found], keys.of_gallery, key, mine)
        if by_identity and found > 0:
            best = places[0]
            for k in range(1, found):
                if _before(values, places[k], best):
                    best = places[k]
            place[n] = 1 + _persons_before(values, best, key, keys.of_gallery, persons.of_gallery, seen, n)
