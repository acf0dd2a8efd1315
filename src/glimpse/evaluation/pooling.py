"""Mean embeddings of tracks, for video protocols."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import OptionError, RecordsError
from glimpse.protocols import Protocol, Trial
from glimpse.records import IntArray, Records


def pooled(
    protocol: Protocol, pair: tuple[Embeddings, Embeddings], column: str
) -> tuple[Protocol, tuple[Embeddings, Embeddings]]:
    """A protocol whose rows are tracks, and the mean embedding of each, masks as well.

    Args:
        protocol: of frames.
        pair: embeddings of its queries and of its gallery.
        column: equal on the frames of one track, as `tracklet`.
    """
    if protocol.single_shot is not None:
        raise OptionError(f"protocol {protocol.name} draws single images: tracks cannot be asked for")
    tables, means, tracks = [], [], []
    for side, embeddings in zip((protocol.query, protocol.gallery), pair, strict=True):
        first, track = _tracks(side, column)
        tables.append(side[first])
        tracks.append(track)
        means.append(_means(embeddings, track, len(first)))
    trials = tuple(
        Trial(_whole(trial.query, tracks[0], protocol), _whole(trial.gallery, tracks[1], protocol))
        for trial in protocol.trials
    )
    note = "; ".join(filter(None, (protocol.note, f"frames averaged by {column}")))
    tracked = replace(protocol, query=tables[0], gallery=tables[1], trials=trials, note=note)
    return tracked, (means[0], means[1])


def _tracks(side: Records, column: str) -> tuple[IntArray, IntArray]:
    """The first row of each track, in the order of the rows, and the track of each row."""
    values = side.column(column)
    if values.ndim != 1:
        raise RecordsError(f"column {column} must hold one value per row to tell tracks")
    _, first, track = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, track = first[order], place[track.reshape(-1)]
    for name in ("person", "camera", "modality"):
        odd = np.flatnonzero(side.column(name) != side.column(name)[first[track]])
        if odd.size:
            raise RecordsError(
                f"row {odd[0]}, column {column}: the rows of track {values[odd[0]]!r} differ in {name}"
            )
    return first.astype(np.int64), track


def _means(embeddings: Embeddings, track: IntArray, count: int) -> Embeddings:
    order = np.argsort(track, kind="stable")
    starts = np.searchsorted(track[order], np.arange(1, count))
    rows_of = np.split(order, starts) if count else []

    def mean(values: FloatArray) -> FloatArray:
        result = np.empty((count, values.shape[1]), values.dtype)
        for place, rows in enumerate(rows_of):
            result[place] = values[rows].mean(0, dtype=np.float64)
        return result

    masks = None if embeddings.masks is None else mean(embeddings.masks)
    return Embeddings(mean(embeddings.vectors), masks)


def _whole(rows: IntArray, track: IntArray, protocol: Protocol) -> IntArray:
    """The tracks of a trial's rows, which must be all of theirs."""
    chosen, counts = np.unique(track[rows], return_counts=True)
    if not np.array_equal(counts, np.bincount(track, minlength=chosen.max(initial=-1) + 1)[chosen]):
        raise OptionError(f"protocol {protocol.name} does not draw whole tracks")
    return chosen.astype(np.int64)
