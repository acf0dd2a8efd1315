"""Whose pictures a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glimpse.errors import OptionError
from glimpse.protocols import Protocol
from glimpse.records import JUNK, NO_CAMERA, TEXT, Records


def chosen_queries(protocol: Protocol, count: int, generator: np.random.Generator) -> Records:
    """Some of a protocol's queries that have a right answer, of as many different persons as there are.

    The first of them stay the same when more are asked for.
    """
    if count < 1:
        raise OptionError(f"a report shows at least one query, got {count}")
    query = protocol.query
    if np.any(query.modality == TEXT):
        raise OptionError(
            f"the queries of the protocol {protocol.name} are sentences: there is nothing to see"
        )
    comparison = protocol.comparison(protocol.trials[0])
    rows = generator.permutation(comparison.query_rows[comparison.matches_per_query() > 0])
    if not len(rows):
        raise OptionError(f"no query of the protocol {protocol.name} has a right answer")
    seen: dict[int, int] = {}
    turns = []
    for person in query.person[rows].tolist():
        seen[person] = seen.get(person, 0) + 1
        turns.append(seen[person])
    return query[rows[np.argsort(turns, kind="stable")][:count]]


def loose_pictures(paths: Sequence[Path], protocol: Protocol | None = None) -> Records:
    """Picture files; a query of the protocol keeps its person and camera, others are of nobody known."""
    if not paths:
        raise OptionError("no picture was given")
    if protocol is None:
        return Records.from_columns([str(path) for path in paths], [JUNK] * len(paths))
    table = protocol.query
    rows = {Path(path).absolute(): row for row, path in enumerate(table.path.tolist())}
    found = [rows.get(path.absolute()) for path in paths]
    # a query keeps its own spelling too: a rule may leave out the gallery's copy of it by its path
    path = [str(given) if row is None else table.path[row] for given, row in zip(paths, found, strict=True)]
    person = [JUNK if row is None else int(table.person[row]) for row in found]
    camera = [NO_CAMERA if row is None else int(table.camera[row]) for row in found]
    return Records.from_columns(path, person, camera=camera)
