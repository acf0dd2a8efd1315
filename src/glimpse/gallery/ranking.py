"""Scores of chosen rows by any similarity, every row scored, and the people that they are best for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.gallery.answers import Found, Match
from glimpse.gallery.snapshot import Snapshot
from glimpse.gallery.store import Rows, pc
from glimpse.records import NO_CAMERA, IntArray
from glimpse.similarity import Similarity
from glimpse.similarity.base import VECTOR_TILE, Scores, blocks, tile_of

AGAINST = 0.5  # our choice: how much a counterexample weighs beside the examples


def scores(similarity: Similarity, query: Embeddings, snapshot: Snapshot, rows: IntArray) -> Scores:
    """Scores [Q, M] of queries with M rows of a snapshot, ascending, read where they lie."""
    similarity.check(query, query)
    found = np.empty((len(query), len(rows)), np.float32)
    score = similarity.scorer(tile_of(query, slice(None), similarity.device))
    width = max(64, VECTOR_TILE // query.dim)
    done = 0
    for part, places, _ in snapshot.pieces(rows):
        for block in blocks(len(places), width):
            some = places[block]
            span = slice(int(some[0]), int(some[-1]) + 1)
            # a copy of the chosen rows costs more than scoring a few that are not wanted
            dense = span.stop - span.start <= 2 * len(some)
            tile = tile_of(part.embeddings, span if dense else some, similarity.device)
            part_scores = score(tile).numpy(force=True)
            target = slice(done, done + len(some))
            found[:, target] = part_scores[:, some - span.start] if dense else part_scores
            done = target.stop
    return found


def combined(found: Scores, examples: int) -> NDArray[np.float32]:
    """One score [M] for several queries [Q, M]: the mean over the examples, less that of the counterexamples.

    The first `examples` rows are examples, the others counterexamples, which weigh half.

    >>> combined(np.array([[0.9, 0.2], [0.7, 0.4], [0.8, 0.0]], np.float32), 2).round(2)
    array([0.4, 0.3], dtype=float32)
    """
    total: NDArray[np.float32] = found[:examples].mean(0, dtype=np.float32)
    if len(found) > examples:
        total = total - np.float32(AGAINST) * found[examples:].mean(0, dtype=np.float32)
    return total


def groups(rows: Rows) -> IntArray:
    """Who each row is, as numbers from 0: the same for one person, else for one track of one source."""
    person = rows.column("person").to_numpy()
    names = pc.binary_join_element_wise(rows.column("source"), rows.column("track"), "\0")
    track = names.combine_chunks().dictionary_encode().indices.to_numpy()
    tracked = pc.not_equal(rows.column("track"), "").to_numpy()
    alone = np.arange(len(person))
    kind = np.where(person >= 0, 0, np.where(tracked, 1, 2))
    value = np.where(person >= 0, person, np.where(tracked, track, alone))
    # equal neighbors once sorted are one
    order = np.lexsort((value, kind))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(kind[order]) != 0) | (np.diff(value[order]) != 0)
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(new) - 1
    return number


def best(total: NDArray[np.float32], k: int) -> IntArray:
    """The places of the k highest, best first; equal ones in order.

    >>> best(np.array([1, 3, 3, 2], np.float32), 3)
    array([1, 2, 3])
    """
    if k < len(total):
        least = np.partition(total, len(total) - k)[len(total) - k]
        some = np.flatnonzero(total >= least)
    else:
        some = np.arange(len(total))
    return some[np.argsort(-total[some], kind="stable")][:k]


def best_groups(total: NDArray[np.float32], group: IntArray, k: int) -> IntArray:
    """The k groups whose best rows score highest, best first; equal ones by their first such row."""
    if not len(total):
        return np.empty(0, np.int64)
    highest = np.full(int(group.max()) + 1, -np.inf, np.float32)
    np.maximum.at(highest, group, total)
    first = np.full(len(highest), len(total))
    at_best = np.flatnonzero(total == highest[group])
    np.minimum.at(first, group[at_best], at_best)
    there = np.flatnonzero(first < len(total))
    return there[np.lexsort((first[there], -highest[there]))][:k]


def people_of(
    rows: Rows, total: NDArray[np.float32], k: int, images: int, *, group: bool
) -> tuple[Found, ...]:
    """The k best people, or images, among scored rows, each with its best images."""
    group_of = groups(rows) if group else np.arange(len(total))
    found = []
    for number in best_groups(total, group_of, k):
        mine = np.flatnonzero(group_of == number)
        chosen = mine[best(total[mine], images)]
        matches = [match_of(rows.slice(int(row), 1).to_pylist()[0], float(total[row])) for row in chosen]
        found.append(Found(matches[0].score, len(mine), tuple(matches)))
    return tuple(found)


def match_of(row: dict[str, Any], score: float) -> Match:
    """A row of the table, and how well it fits."""
    values = {name: row[name] for name in ("id", "path", "track", "source", "kind", "modality", "caption")}
    return Match(
        **values,
        score=score,
        person=row["person"] if row["person"] >= 0 else None,
        camera=None if row["camera"] == NO_CAMERA else row["camera"],
        time=row["time"],
    )
