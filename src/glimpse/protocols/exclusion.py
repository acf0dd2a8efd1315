"""Which gallery rows do not count for a query: each published rule as a key per row.

A gallery row is left out for a query when their keys are equal. Keys of `NEVER_*` differ from
every key of the other side.
"""

from __future__ import annotations

import numpy as np

from glimpse.records import NO_CAMERA, IntArray, Records

NEVER_QUERY = -1
NEVER_GALLERY = -2


def nothing(query: Records, gallery: Records) -> tuple[IntArray, IntArray]:
    """Every gallery row counts: sets without cameras, RegDB, text to image.

    See protocols.md, "Sets without cameras" and "Text to image".
    """
    return _never(query, gallery)


def same_person_and_camera(query: Records, gallery: Records) -> tuple[IntArray, IntArray]:
    """Market-1501's junk rule: the query's own person seen by the query's own camera.

    See protocols.md, "Single query with cameras".

    A row whose camera is not known is never left out.
    """
    query_key, gallery_key = _pair_keys(
        np.stack([query.person, query.camera]), np.stack([gallery.person, gallery.camera])
    )
    return (
        np.where(query.camera == NO_CAMERA, NEVER_QUERY, query_key),
        np.where(gallery.camera == NO_CAMERA, NEVER_GALLERY, gallery_key),
    )


def same_sysu_location(query: Records, gallery: Records) -> tuple[IntArray, IntArray]:
    """SYSU-MM01: cameras 2 and 3 look at one room, so a query of camera 3 ignores all of camera 2.

    Whoever is on the image: this removes other persons too, unlike Market's rule (protocols.md, "SYSU-MM01").
    """
    return _sysu_location(query.camera), _sysu_location(gallery.camera)


def same_image(query: Records, gallery: Records) -> tuple[IntArray, IntArray]:
    """The gallery image that the query is, or that the caption was written for (LGUR's option)."""
    _, key = np.unique(np.concatenate([query.path, gallery.path]).astype(str), return_inverse=True)
    return key[: len(query)].astype(np.int64), key[len(query) :].astype(np.int64)


def _never(query: Records, gallery: Records) -> tuple[IntArray, IntArray]:
    return (
        np.full(len(query), NEVER_QUERY, np.int64),
        np.full(len(gallery), NEVER_GALLERY, np.int64),
    )


def _sysu_location(camera: IntArray) -> IntArray:
    location: IntArray = np.where(camera == 3, 2, camera)
    return location


def _pair_keys(query: IntArray, gallery: IntArray) -> tuple[IntArray, IntArray]:
    """One number per distinct column of [2, Q] and [2, G] together, never negative."""
    columns = np.concatenate([query, gallery], axis=1)
    low, high = columns.min(axis=1, initial=0), columns.max(axis=1, initial=0)
    spans = [int(last) - int(first) + 1 for first, last in zip(low, high, strict=True)]
    if spans[0] * spans[1] < 2**63:
        key = (columns[0] - low[0]) * spans[1] + (columns[1] - low[1])
    else:  # labels so far apart are numbered, which takes a sort
        _, key = np.unique(columns, axis=1, return_inverse=True)
        key = key.reshape(-1).astype(np.int64)
    return key[: query.shape[1]], key[query.shape[1] :]
