"""Counting what was read, and comparing it with what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from glimpse.datasets.layout import Count
from glimpse.errors import LayoutError, StorageError
from glimpse.files import read_json
from glimpse.protocols import Protocol
from glimpse.records import Records

WORLD_CARD = "glimpse-world.json"
"""A rendered tree says so in this file, with its own counts under `counts`."""


def count(records: Records) -> Count:
    """Persons (neither junk nor distractors) and rows."""
    return Count(len(records.persons), len(records))


def part_counts(train: Records, protocols: Mapping[str, Protocol]) -> dict[str, Count]:
    """Counts by part: `train` (by modality if there are several), and each protocol's query and gallery.

    A gallery is counted as its first trial draws it, without junk.
    """
    parts: dict[str, Count] = {}
    modalities = np.unique(train.modality).tolist()
    for modality in modalities:
        name = "train" if len(modalities) == 1 else f"train {modality}"
        parts[name] = count(train.filter(modality=modality))
    for protocol in protocols.values():
        comparison = protocol.comparison(protocol.trials[0])
        parts[f"{protocol.name} query"] = count(protocol.query[comparison.query_rows])
        parts[f"{protocol.name} gallery"] = count(protocol.gallery[comparison.gallery_rows])
    return parts


def differences(found: Mapping[str, Count], expected: Mapping[str, Count]) -> Iterator[str]:
    """A sentence for each part whose count is not the expected one.

    A protocol that the tree cannot offer (its folder is not there) is no difference; training rows
    that are not there are one.
    """
    for part, wanted in expected.items():
        if part not in found and not part.startswith("train"):
            continue
        got = found.get(part, Count(0, 0))
        same_persons = wanted.persons in (None, got.persons)
        same_rows = wanted.rows in (None, got.rows)
        if not (same_persons and same_rows):
            yield f"{part}: found {got}, expected {wanted}"


def world_counts(root: Path) -> Mapping[str, Count] | None:
    """The counts that a rendered tree gives of itself, or None if no world rendered it."""
    path = root / WORLD_CARD
    if not path.is_file():
        return None
    try:
        counts = read_json(path)["counts"]
        return {str(part): Count(int(persons), int(rows)) for part, (persons, rows) in counts.items()}
    except (StorageError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as wrong:
        raise LayoutError(f"{path} is not the card of a rendered world: {wrong}") from wrong
