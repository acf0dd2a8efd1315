"""Whose pictures a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glimpse.errors import OptionError
from glimpse.protocols import Protocol
from glimpse.records import JUNK, TEXT, Records


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
    known: dict[Path, tuple[int, int]] = {}
    if protocol is not None:
        table = protocol.query
        cells = zip(table.path.tolist(), table.person.tolist(), table.camera.tolist(), strict=True)
        known = {Path(path).absolute(): (person, camera) for path, person, camera in cells}
    found = [known.get(path.absolute()) for path in paths]
    plain = Records.from_columns([str(path) for path in paths], [JUNK] * len(paths))
    person = [JUNK if one is None else one[0] for one in found]
    camera = [int(plain.camera[row]) if one is None else one[1] for row, one in enumerate(found)]
    return plain.with_columns(person=person, camera=camera)
