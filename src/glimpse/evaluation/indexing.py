"""A trial as small integers: who matches whom and who does not count, found without searching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glimpse.evaluation.kernels import count_matches
from glimpse.protocols import Comparison
from glimpse.records import IntArray

ABSENT = -1
"""Group of a query for which the gallery holds no row."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Gallery rows put together by a label.

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


@dataclass(frozen=True, eq=False)
class TrialIndex:
    """What the kernels need to know of one trial, for all its queries.

    Attributes:
        query_rows: [Q] row numbers into the protocol's `query`.
        columns: [G] row numbers into the protocol's `gallery`, which are columns of a score matrix.
        persons: gallery rows by person; every distractor is a person of its own.
        keys: gallery rows by exclusion key.
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
    someone = comparison.gallery_person >= 0
    # a distractor is nobody in particular: each takes a place of its own and matches no query
    own_label = -1 - np.arange(len(someone))
    place = None if gallery_order is None else gallery_order[comparison.gallery_rows]
    persons = _group(
        np.where(comparison.query_person >= 0, comparison.query_person, 0),
        np.where(someone, comparison.gallery_person, own_label),
        comparison.query_person >= 0,
        place,
    )
    keys = _group(comparison.query_key, comparison.gallery_key, None, None)
    matches = count_matches(persons.of_query, persons.start, persons.rows, keys.of_query, keys.of_gallery)
    return TrialIndex(
        np.ascontiguousarray(comparison.query_rows, np.int64),
        np.ascontiguousarray(comparison.gallery_rows, np.int64),
        persons,
        keys,
        matches,
        np.ascontiguousarray(comparison.query_person, np.int64),
    )


def _group(
    query_label: IntArray, gallery_label: IntArray, known: IntArray | None, place: IntArray | None
) -> Groups:
    labels, of_gallery = np.unique(gallery_label, return_inverse=True)
    of_gallery = of_gallery.reshape(-1).astype(np.int64)
    order = np.argsort(of_gallery, kind="stable") if place is None else np.lexsort((place, of_gallery))
    start = np.zeros(len(labels) + 1, np.int64)
    np.cumsum(np.bincount(of_gallery, minlength=len(labels)), out=start[1:])
    of_query = np.full(len(query_label), ABSENT, np.int64)
    if len(labels):
        nearest = np.minimum(np.searchsorted(labels, query_label), len(labels) - 1)
        found = labels[nearest] == query_label
        of_query = np.where(found if known is None else found & known, nearest, ABSENT)
    return Groups(
        start, order.astype(np.int64), of_gallery, of_query.astype(np.int64), labels.astype(np.int64)
    )
