"""Ranks by counting: how many gallery rows stand before each right answer. Nothing is sorted.

A gallery row stands before another if its score is higher, or equal and its position smaller, which
is the order of a stable sort. Every kernel treats its queries independently, so the result does not
depend on the number of threads.

In all kernels `persons` and `keys` of `glimpse.evaluation.indexing` come as their arrays; a gallery
row does not count for a query when its key group is the query's.
"""

from __future__ import annotations

import numpy as np
from numba import get_num_threads, int32, njit, prange

from glimpse.records import IntArray

FEW = 64
"""Up to so many right answers the whole row is counted once for each (vectorised); above, each row
is placed among the sorted right answers. Both are exact; measured equal in cost around 100. Our choice."""


def chunks(queries: int) -> int:
    """Into how many pieces the queries are cut, so that threads which finish early find more work."""
    return max(1, min(queries, 8 * get_num_threads()))


@njit(cache=True)
def count_matches(
    query_person: IntArray,
    person_start: IntArray,
    person_rows: IntArray,
    query_key: IntArray,
    gallery_key: IntArray,
) -> IntArray:
    """Right answers that count for each query, [Q]."""
    found = np.zeros(query_person.shape[0], np.int64)
    for q in range(query_person.shape[0]):
        p = query_person[q]
        if p >= 0:
            for place in range(person_start[p], person_start[p + 1]):
                if gallery_key[person_rows[place]] != query_key[q]:
                    found[q] += 1
    return found


@njit(cache=True, inline="always")
def gather_row(scores, row, columns, values):  # type: ignore[no-untyped-def]
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


@njit(cache=True)
def _count_not_below(values, score):  # type: ignore[no-untyped-def]
    count = int32(0)  # a wider counter halves the lanes of the vector unit
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] >= score))
    return count


@njit(cache=True)
def _count_above(values, score):  # type: ignore[no-untyped-def]
    count = int32(0)
    for j in range(values.shape[0]):
        count = int32(count + int32(values[j] > score))
    return count


@njit(cache=True)
def _rank_few(values, places, left_out, ranks):  # type: ignore[no-untyped-def]
    """Ranks of the rows `places`; excluded rows hold minus infinity in `values`."""
    for k in range(places.shape[0]):
        i = places[k]
        score = values[i]
        before = _count_not_below(values[:i], score) + _count_above(values[i + 1 :], score)
        if score == -np.inf:  # only here an excluded row ties with one that counts
            for n in range(left_out.shape[0]):
                if left_out[n] < i:
                    before -= 1
        ranks[k] = before + 1
    ranks.sort()


@njit(cache=True)
def _rank_many(values, places, gallery_key, key, ranks):  # type: ignore[no-untyped-def]
    """The same, for many right answers: each row is placed among them by bisection."""
    ascending = np.sort(places)
    own = np.empty(ascending.shape[0], values.dtype)
    for k in range(ascending.shape[0]):
        own[k] = -values[ascending[k]]
    order = np.argsort(own, kind="mergesort")
    ranks[:] = 0
    for j in range(values.shape[0]):
        if gallery_key[j] == key:
            continue
        low, high = 0, order.shape[0]  # how many right answers stand before row j
        while low < high:
            middle = (low + high) // 2
            i = ascending[order[middle]]
            if values[i] > values[j] or (values[i] == values[j] and i < j):
                low = middle + 1
            else:
                high = middle
        if low < order.shape[0]:
            ranks[low] += 1
    for k in range(1, ranks.shape[0]):
        ranks[k] += ranks[k - 1]


@njit(cache=True)
def _persons_before(values, best, key, gallery_key, gallery_person, seen, mark):  # type: ignore[no-untyped-def]
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


@njit(parallel=True, cache=True)
def rank_matches(  # type: ignore[no-untyped-def]
    scores,
    score_rows,
    columns,
    query_person,
    person_start,
    person_rows,
    gallery_person,
    query_key,
    key_start,
    key_rows,
    gallery_key,
    offsets,
    by_identity,
    pieces,
    ranks,
    identity_rank,
    nan_at,
):
    """Rank every right answer of every query among the gallery rows that count.

    Args:
        scores: [B, W] higher is better.
        score_rows: [n] row of `scores` of each query.
        columns: [G] column of `scores` of each gallery position.
        query_person, query_key: [n] groups.
        person_start, person_rows, gallery_person: gallery rows by person.
        key_start, key_rows, gallery_key: gallery rows by exclusion key.
        offsets: [n + 1]; the right answers of query q are `ranks[offsets[q] : offsets[q + 1]]`.
        by_identity: whether to fill `identity_rank`.
        pieces: how many pieces to cut the queries into.
        ranks: [offsets[n]] filled, from 1, ascending within a query.
        identity_rank: [n] filled: the place of the query's person among persons by their best row.
        nan_at: [n] filled: a position that holds NaN, or -1.
    """
    n, g = score_rows.shape[0], columns.shape[0]
    for piece in prange(pieces):
        values = np.empty(g, scores.dtype)
        places = np.empty(g, np.int64)
        seen = np.full(person_start.shape[0] if by_identity else 0, -1, np.int64)
        for q in range(n * piece // pieces, n * (piece + 1) // pieces):
            nan_at[q] = gather_row(scores, score_rows[q], columns, values)
            matches = offsets[q + 1] - offsets[q]
            if nan_at[q] >= 0 or matches == 0:
                continue
            key, person = query_key[q], query_person[q]
            found, best = 0, -1
            for place in range(person_start[person], person_start[person + 1]):
                i = person_rows[place]
                if gallery_key[i] != key:
                    places[found] = i
                    found += 1
                    if best < 0 or values[i] > values[best] or (values[i] == values[best] and i < best):
                        best = i
            mine = ranks[offsets[q] : offsets[q + 1]]
            if matches > FEW:
                _rank_many(values, places[:matches], gallery_key, key, mine)
            else:
                left_out = key_rows[key_start[key] : key_start[key + 1]] if key >= 0 else key_rows[:0]
                for k in range(left_out.shape[0]):
                    values[left_out[k]] = -np.inf
                _rank_few(values, places[:matches], left_out, mine)
            if by_identity:
                before = _persons_before(values, best, key, gallery_key, gallery_person, seen, q)
                identity_rank[q] = before + 1
