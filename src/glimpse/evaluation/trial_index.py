"""A trial as index arrays: gallery rows grouped by person and by exclusion key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glimpse.compiled import compiled
from glimpse.protocols import Comparison
from glimpse.records import BoolArray, IntArray

ABSENT = -1
"""Group of a query for which the gallery holds no row."""


class Groups(NamedTuple):
    """Gallery rows put together by a label; a named tuple because kernels take it as it is.

    Attributes:
        start: [P + 1]; group p holds `rows[start[p] : start[p + 1]]`.
        rows: [G] positions in the gallery, ascending within a group unless an order was given.
        of_gallery: [G] group of each gallery position.
        of_query: [Q] group with the query's label, or `ABSENT`.
        label: [P] the label of each group.
    """

    start: IntArray
    rows: IntArray
    of_gallery: IntArray
    of_query: IntArray
    label: IntArray


class TrialIndex(NamedTuple):
    """What the kernels need to know of one trial, for all its queries.

    Attributes:
        query_rows: [Q] row numbers into the protocol's `query`, ascending.
        columns: [G] row numbers into the protocol's `gallery`, which are columns of a score matrix.
        persons: gallery rows by person; every distractor is a person of its own.
        keys: gallery rows by exclusion key; a row does not count for a query of the same group.
        matches: [Q] right answers that count; 0 where a query must be skipped.
        query_person: [Q].
    """

    query_rows: IntArray
    columns: IntArray
    persons: Groups
    keys: Groups
    matches: IntArray
    query_person: IntArray


def index_trial(comparison: Comparison, gallery_order: IntArray | None = None) -> TrialIndex:
    """Group the gallery of a trial by person and by exclusion key.

    Args:
        comparison: the trial.
        gallery_order: for each row of the protocol's gallery, the place by which rows of a person are
            ordered; the order of the gallery if None.
    """
    order = np.argsort(comparison.query_rows, kind="stable")
    query_person = np.array(comparison.query_person, np.int64)[order]
    gallery_person = np.asarray(comparison.gallery_person, np.int64)
    columns = np.array(comparison.gallery_rows, np.int64)
    # a distractor is nobody in particular: each takes a place of its own and matches no query
    own_label = -1 - np.arange(len(gallery_person))
    persons = _group(
        query_person,
        np.where(gallery_person >= 0, gallery_person, own_label),
        query_person >= 0,
        None if gallery_order is None else gallery_order[columns],
    )
    keys = _group(
        np.asarray(comparison.query_key, np.int64)[order],
        np.asarray(comparison.gallery_key, np.int64),
        np.ones(len(order), bool),
        None,
    )
    return TrialIndex(
        np.array(comparison.query_rows, np.int64)[order],
        columns,
        persons,
        keys,
        _count_matches(persons, keys),
        query_person,
    )


def _group(
    query_label: IntArray, gallery_label: IntArray, known: BoolArray, place: IntArray | None
) -> Groups:
    labels, of_gallery = np.unique(gallery_label, return_inverse=True)
    of_gallery = of_gallery.reshape(-1).astype(np.int64)
    if place is None:
        # numbers of 16 bits are sorted by their digits, in a tenth of the time of wider ones
        rows = np.argsort(of_gallery.astype(np.min_scalar_type(len(labels))), kind="stable")
    else:
        rows = np.lexsort((place, of_gallery))
    start = np.zeros(len(labels) + 1, np.int64)
    np.cumsum(np.bincount(of_gallery, minlength=len(labels)), out=start[1:])
    of_query = np.full(len(query_label), ABSENT, np.int64)
    if len(labels):
        nearest = np.minimum(np.searchsorted(labels, query_label), len(labels) - 1)
        of_query = np.where(known & (labels[nearest] == query_label), nearest, ABSENT).astype(np.int64)
    return Groups(start, rows.astype(np.int64), of_gallery, of_query, labels.astype(np.int64))


@compiled
def _count_matches(persons: Groups, keys: Groups) -> IntArray:
    """Right answers that count for each query, [Q]."""
    found = np.zeros(persons.of_query.shape[0], np.int64)
    for q in range(found.shape[0]):
        p = persons.of_query[q]
        if p >= 0:
            for place in range(persons.start[p], persons.start[p + 1]):
                if keys.of_gallery[persons.rows[place]] != keys.of_query[q]:
                    found[q] += 1
    return found
