"""The search itself: queries embedded, rows scored, or the engine's candidates scored again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.gallery.answers import Match
from glimpse.gallery.held import Held, each_once
from glimpse.gallery.manifest import Space
from glimpse.gallery.ranking import best, combined, scores
from glimpse.gallery.store import LIGHT, Rows, embeddings_of, pa
from glimpse.gallery.where import Where

_SAMPLE, _DEPTH = 50, 10  # our choice: queries, and how many answers of each, that recall is measured on

Query = str | Path | NDArray[np.uint8] | Match | Embeddings


def embedded(
    held: Held,
    space: Space,
    given: Query | Sequence[Query],
    cameras: ArrayLike | None,
    modalities: ArrayLike | None,
) -> list[Embeddings]:
    """The embeddings of queries, in order."""
    single = isinstance(given, str | Path | np.ndarray | Match | Embeddings)
    queries: list[Any] = [given] if single else list(given)  # type: ignore[arg-type]
    found: list[Embeddings] = []
    for query in queries:
        if isinstance(query, Embeddings):
            if query.dim != space.dim:
                raise ShapeError(f"the space {space.name} has {space.dim} dimensions, got {query.dim}")
            found.append(query)
        elif isinstance(query, Match):
            found.append(_vectors_of(held, space, query.id))
        else:
            source: Any = [query] if isinstance(query, np.ndarray) else query
            maker = held.maker(space)
            found.append(maker.embed(source, cameras=cameras, modalities=modalities))
    return found


def _vectors_of(held: Held, space: Space, id: str) -> Embeddings:
    snapshot = held.matrix(space).current()
    rows = np.flatnonzero(Where(id=id).mask(snapshot.rows))
    if not len(rows):
        raise OptionError(f"no image {id[:12]} is in the space {space.name} of this gallery any more")
    return snapshot.embeddings(rows)


def scored(
    held: Held, space: Space, query: Embeddings, examples: int, where: Where
) -> tuple[Rows, NDArray[np.float32]]:
    """Every row that meets the conditions, with its score."""
    snapshot = held.matrix(space).current()
    kept = np.flatnonzero(where.mask(snapshot.rows))
    total = combined(scores(held.similarity(space), query, snapshot, kept), examples)
    rows = snapshot.rows if len(kept) == len(snapshot) else snapshot.rows.take(kept)
    return rows, total


def rescored(
    held: Held, space: Space, query: Embeddings, examples: int, where: Where, count: int
) -> tuple[Rows, NDArray[np.float32]]:
    """The engine's candidates for each example, with their exact scores."""
    tables = []
    for row in range(examples):
        vector = np.asarray(query.vectors[row], np.float32)
        if query.masks is not None:
            vector = vector * np.asarray(query.masks[row], np.float32)
        tables.append(held.store.candidates(space.table, vector, count, where))
    rows = each_once(pa.concat_tables(tables))
    found = held.similarity(space).pairwise(query, embeddings_of(rows))
    return rows.select(list(LIGHT)), combined(found, examples)


def recall(held: Held, space: Space, count: int) -> float | None:
    """Share of the ten best by exact search that the candidates hold, over rows as queries."""
    snapshot = held.matrix(space).current()
    if not len(snapshot):
        return None
    shares = []
    for row in np.linspace(0, len(snapshot) - 1, min(_SAMPLE, len(snapshot))).astype(np.int64):
        query = snapshot.embeddings(np.array([row]))
        rows, total = scored(held, space, query, 1, Where())
        least = total[best(total, _DEPTH)[-1]]
        _, theirs = rescored(held, space, query, 1, Where(), count)
        # by score, so that equal ones may stand for each other; sums differ in their last bits
        found = int(np.sum(theirs >= least - 1e-5 * max(1.0, abs(float(least)))))
        shares.append(min(1.0, found / min(_DEPTH, rows.num_rows)))
    return float(np.mean(shares))
