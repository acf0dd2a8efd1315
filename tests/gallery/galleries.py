"""Rows for galleries, and a look into every file of one."""

from pathlib import Path

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.gallery import MadeElsewhere
from glimpse.gallery.items import rows_of
from glimpse.gallery.store import LIGHT, pa, schema_of
from glimpse.records import Records
from glimpse.similarity import Cosine

DIM = 8


def model(similarity=None, masked=False):
    return MadeElsewhere("model", DIM, similarity or Cosine(), masked)


def some(count, first=0, masked=False, seed=0, **columns):
    """Rows `first` to `first + count`: records and embeddings that depend on the row alone."""
    rows = range(first, first + count)
    vectors = np.stack([np.random.default_rng([seed, row]).random(DIM, np.float32) for row in rows])
    masks = np.stack([np.random.default_rng([seed, row, 1]).random(DIM, np.float32) for row in rows])
    told = {
        "camera": [row % 4 for row in rows],
        "time": [float("nan") if row % 5 == 4 else row for row in rows],
        "kind": [("", "whole", "occluded")[row % 3] for row in rows],
        "modality": [("rgb", "ir")[row % 2] for row in rows],
        "caption": [f"caption {name_of(row)}" for row in rows],
        "extra": {
            "track": [f"walk {name_of(1000 + row // 4)}" for row in rows],
            "source": [("door", "o'yard")[row % 2] for row in rows],
        },
    }
    paths = [f"/elsewhere/{name_of(row)}.jpg" for row in rows]
    records = Records.from_columns(paths, [row // 4 for row in rows], **(told | columns))
    return records, Embeddings(vectors, masks if masked else None)


def name_of(row):
    """A word that no compression can hide or make up."""
    return np.random.default_rng([7, row]).bytes(12).hex()


def holding(folder, *needles):
    """The files below a folder that hold any of these bytes."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in Path(folder).rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    )


def stored_rows(count, first=0):
    records, embeddings = some(count, first, masked=True)
    ids = [f"{row:064x}" for row in range(first, first + count)]
    return rows_of(records, ids, embeddings, first, [b"jpeg"] + [None] * (count - 1))


def scanned(store, columns=LIGHT, where=None):
    schema = pa.schema([schema_of(DIM, masked=True).field(name) for name in columns])
    batches = [batch.cast(schema) for batch in store.scan("people", columns, where)]
    return pa.Table.from_batches(batches, schema)
