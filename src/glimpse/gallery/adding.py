"""Images on their way in: batch by batch, each acknowledged by itself, none twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError, OptionError, ShapeError
from glimpse.gallery.answers import Added
from glimpse.gallery.held import Held
from glimpse.gallery.items import content_id, embedding_id, rows_of, stored_records, thumbnail
from glimpse.gallery.manifest import Space
from glimpse.gallery.spaces import described
from glimpse.gallery.store import Rows
from glimpse.progress import Advance
from glimpse.records import IntArray, Records

BATCH = 256  # our choice: images that are acknowledged at once
VECTORS = 8192  # our choice: and embeddings made elsewhere


def add_records(
    held: Held,
    records: Records,
    vectors: Embeddings | None,
    spaces: Sequence[Space],
    workers: int | None,
    advance: Advance,
) -> Added:
    """Add records to spaces, embedded by their retrievers or, given vectors, with these."""
    added = present = 0
    broken: dict[str, str] = {}
    size = BATCH if vectors is None else VECTORS
    for start in range(0, len(records), size):
        rows = slice(start, start + size)
        done = _add_batch(held, records[rows], None if vectors is None else vectors[rows], spaces, workers)
        added, present, broken = added + done.added, present + done.present, broken | done.broken
        advance(len(records[rows]))
    return Added(added, present, broken)


def embed_again(held: Held, rows: Rows, space: Space, workers: int | None, advance: Advance) -> Added:
    """Add what other spaces hold to one more, from the files that it came from."""
    added = present = 0
    broken: dict[str, str] = {}
    for start in range(0, rows.num_rows, BATCH):
        part = rows.slice(start, BATCH)
        records = stored_records(part)
        done = _add_batch(held, records, None, (space,), workers, part.column("id").to_pylist())
        added, present, broken = added + done.added, present + done.present, broken | done.broken
        advance(len(records))
    return Added(added, present, broken)


def space_for(held: Held, embeddings: Embeddings, made_by: str | None) -> Space:
    """The space that embeddings made elsewhere go into; any other is refused."""
    default = held.manifest.space()
    if made_by is None and default.retriever is None:
        made_by = default.digest
    # a name alone is believed only of a model that Glimpse does not run
    named = [
        s for s in held.manifest.spaces if made_by == s.digest or (not s.retriever and made_by == s.name)
    ]
    if made_by is None or not named:
        there = ", ".join(map(described, held.manifest.spaces))
        raise OptionError(
            "these embeddings do not say that a retriever of this gallery made them, and vectors of "
            f"different retrievers are not comparable; the gallery holds {there}"
        )
    space = named[0]
    if embeddings.dim != space.dim or (embeddings.masks is not None) != space.masked:
        masks = "without" if embeddings.masks is None else "with"
        raise ShapeError(
            f"the vectors of the space are {described(space)}, got {embeddings.dim} dimensions {masks} masks"
        )
    held.similarity(space).check(embeddings, embeddings)
    return space


def _add_batch(
    held: Held,
    records: Records,
    vectors: Embeddings | None,
    spaces: Sequence[Space],
    workers: int | None,
    known_as: Sequence[str] | None = None,
) -> Added:
    """One batch, acknowledged when this returns."""
    ids, broken = _identify(records, vectors)
    for row, id in enumerate(known_as or ()):
        if ids[row] not in ("", id):
            broken[str(records.path[row])] = "its content has changed since it was added"
            ids[row] = ""
    new: set[str] = set()
    for space in spaces:
        # looked at twice: before embedding, which is dear, and again while nobody else may write
        lacking = _lacking(held, space, ids)
        if not len(lacking):
            continue
        part = records[lacking]
        if vectors is None:
            embedded = held.maker(space).embed_usable(part, workers=workers)
            made, kept = embedded.embeddings, lacking[embedded.rows]
            broken |= {str(part.path[row]): error.reason for row, error in embedded.broken.items()}
        else:
            made, kept = vectors[lacking], lacking
        if len(kept):
            new |= _append(held, space, records, ids, kept, made)
    usable = {one for row, one in enumerate(ids) if one and str(records.path[row]) not in broken}
    return Added(len(new), len(usable - new), broken)


def _append(
    held: Held, space: Space, records: Records, ids: list[str], kept: IntArray, made: Embeddings
) -> set[str]:
    kind = held.manifest.thumbnails if space.name == held.manifest.spaces[0].name else "none"
    small = [_thumbnail(str(records.path[row]), kind) for row in kept]
    with held.writing():
        still = np.flatnonzero(np.isin(kept, _lacking(held, space, ids)))
        if not len(still):
            return set()
        chosen = kept[still]
        names = [ids[row] for row in chosen]
        rows = rows_of(records[chosen], names, made[still], held.access.clock(), [small[i] for i in still])
        before = held.store.version(space.table)
        held.store.append(space.table, rows)
        version, known = held.ids[space.table]
        if version == before:
            known.update(names)
            held.ids[space.table] = (held.store.version(space.table), known)
    return set(names)


def _identify(records: Records, vectors: Embeddings | None) -> tuple[list[str], dict[str, str]]:
    """The ids of records, empty for what cannot be used, and the reasons."""
    ids: list[str] = []
    broken: dict[str, str] = {}
    for row, path in enumerate(records.path.tolist()):
        try:
            if vectors is None or Path(path).exists():
                ids.append(content_id(path))
            else:
                ids.append(embedding_id(path, vectors.vectors[row]))
        except BrokenImageError as error:
            ids.append("")
            broken[path] = error.reason
    return ids, broken


def _lacking(held: Held, space: Space, ids: list[str]) -> IntArray:
    """Which rows the space lacks, the first of each id."""
    version = held.store.version(space.table)
    if held.ids.get(space.table, (-1, None))[0] != version:
        batches = held.store.scan(space.table, ("id",))
        held.ids[space.table] = (version, {one for b in batches for one in b.column(0).to_pylist()})
    known = held.ids[space.table][1]
    first = {one: row for row, one in reversed(list(enumerate(ids))) if one and one not in known}
    return np.array(sorted(first.values()), np.int64)


def _thumbnail(path: str, kind: str) -> bytes | None:
    try:
        return thumbnail(path, kind)
    except BrokenImageError:  # embeddings made elsewhere need no image here
        return None
