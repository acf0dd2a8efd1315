"""Embeddings as rows of detections, in the form that DeepSORT's trackers read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import RecordsError
from glimpse.records import Records

NO_TRACK = -1
COLUMNS = 10
"""Frame, track, left, top, width, height, confidence and three coordinates of the world, as MOT Challenge."""


def detections(records: Records) -> NDArray[np.float64]:
    """The first columns of each row, [N, 10].

    The frame is the column `frame`, else `time`; the box is `box` [N, 4], left, top, width and height in
    pixels; the confidence is `confidence`, 1 if there is none. No track is known, nor a place in the world.
    """
    rows = np.full((len(records), COLUMNS), -1.0)
    rows[:, 0] = _column(records, "frame" if "frame" in records.extra else "time", ())
    rows[:, 1] = NO_TRACK
    rows[:, 2:6] = _column(records, "box", (4,))
    rows[:, 6] = _column(records, "confidence", ()) if "confidence" in records.extra else 1
    odd = np.flatnonzero(~((rows[:, 0] >= 0) & (rows[:, 0] == np.floor(rows[:, 0]))))
    if odd.size:
        raise RecordsError(f"row {odd[0]}: a detection needs the number of its frame, got {rows[odd[0], 0]}")
    flat = np.flatnonzero(~np.isfinite(rows).all(1) | (rows[:, 4:6] <= 0).any(1))
    if flat.size:
        raise RecordsError(f"row {flat[0]}, column box: expected left, top, width, height")
    return rows


def detection_rows(first: NDArray[np.float64], embeddings: Embeddings) -> NDArray[np.float64]:
    """Detections [N, 10] with their vectors behind them, [N, 10 + D], sorted by frame."""
    order = np.argsort(first[:, 0], kind="stable")
    return np.hstack([first, embeddings.vectors])[order]


def _column(records: Records, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if name != "time" and name not in records.extra:
        raise RecordsError(
            f"deep-sort's rows need a column {name} in the table of images, which has "
            f"{', '.join(records.extra) or 'no columns of its own'}"
        )
    values = records.column(name)
    if values.shape[1:] != shape or values.dtype.kind not in "iuf":
        raise RecordsError(
            f"column {name} of detections must be numbers of shape {list(shape)} per row, got {values.dtype} "
            f"{list(values.shape[1:])}"
        )
    return values
