"""Matching the rows of a saved table to the rows of a protocol: by path, captions also by their text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glimpse.errors import RecordsError
from glimpse.protocols import Protocol
from glimpse.records import JUNK, TEXT, IntArray, Records


def rows_by_path(wanted: Records, saved: Records, root: Path, what: str) -> IntArray:
    """For each wanted row the saved one, [N]; a row that was not saved is an error.

    Args:
        wanted: rows of a protocol.
        saved: rows that have embeddings, in their order.
        root: folder of the data set; a saved path may be given from there on.
        what: what errors call the wanted rows.
    """
    keys = _keys(wanted, root)
    rows = _found(keys, saved, root)
    missing = np.flatnonzero(rows < 0)
    if missing.size:
        path, caption = keys[missing[0]]
        first = f"{path!r} with {caption!r}" if caption else repr(path)
        raise RecordsError(
            f"{missing.size} of the {len(wanted)} {what} rows have no embedding, the first is {first}"
        )
    return rows


def without_missing_junk(protocol: Protocol, saved: Records, root: Path) -> tuple[Protocol, int]:
    """The protocol without those junk rows of its gallery that were not saved, and how many these are.

    Many tools save no features of junk, which counts nowhere.
    """
    junk = protocol.gallery.person == JUNK
    missing = junk & (_found(_keys(protocol.gallery, root), saved, root) < 0)
    return (protocol.keeping(~missing) if missing.any() else protocol), int(missing.sum())


def _found(keys: Sequence[tuple[str, str]], saved: Records, root: Path) -> IntArray:
    """The first saved row of each key, [N]; -1 where there is none."""
    row_of: dict[tuple[str, str], int] = {}
    for row, key in enumerate(_keys(saved, root)):
        row_of.setdefault(key, row)
    return np.array([row_of.get(key, -1) for key in keys], np.int64)


def _keys(records: Records, root: Path) -> Sequence[tuple[str, str]]:
    """The path below the root, and the text if the row is a caption."""
    roots = (root, root.absolute(), root.resolve())
    folders = sorted({f"{folder.as_posix()}/" for folder in roots})

    def relative(path: str) -> str:
        posix = path.replace("\\", "/").removeprefix("./")
        for folder in folders:
            if posix.startswith(folder):
                return posix[len(folder) :]
        return posix

    return [
        (relative(path), caption if modality == TEXT else "")
        for path, caption, modality in zip(records.path, records.caption, records.modality, strict=True)
    ]
