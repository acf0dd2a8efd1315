"""Protocols of published sizes over random rows, for the benchmarks."""

from __future__ import annotations

import numpy as np

from glimpse.protocols import Protocol, single_query
from glimpse.records import Records


def people(random: np.random.Generator, rows: int, persons: int, cameras: int, prefix: str) -> Records:
    """Rows that spread over persons and cameras."""
    return Records.from_columns(
        [f"{prefix}{row:06d}" for row in range(rows)],
        random.integers(0, persons, rows),
        camera=random.integers(1, cameras + 1, rows),
    )


def market_like(queries: int, gallery: int, persons: int, cameras: int) -> Protocol:
    """Market-1501's protocol on random rows of these numbers."""
    random = np.random.default_rng(0)
    return single_query(
        people(random, queries, persons, cameras, "q"), people(random, gallery, persons, cameras, "g")
    )
