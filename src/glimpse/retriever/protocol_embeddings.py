"""Embeddings of the queries and galleries of protocols; a row that several of them share is embedded once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.records import TEXT, Records
from glimpse.retriever.retriever import Retriever

Key = tuple[str, int, str, str]
"""What an embedding depends on: an image, its camera and its modality, or words."""


def embed_protocols(
    retriever: Retriever, protocols: Sequence[Protocol], *, progress: Progress = silent
) -> list[tuple[Embeddings, Embeddings]]:
    """The embeddings of each protocol's `query` and `gallery`.

    Args:
        retriever: embeds.
        protocols: often of one data set, which share most of their rows.
        progress: what shows the progress.
    """
    sides = [_keys(side) for protocol in protocols for side in (protocol.query, protocol.gallery)]
    different = dict.fromkeys(key for side in sides for key in side)
    images, texts = [k for k in different if not k[3]], [k for k in different if k[3]]
    embeddings = retriever.embed(
        [path for path, _, _, _ in images],
        cameras=np.array([camera for _, camera, _, _ in images], np.int64),
        modalities=[modality for _, _, modality, _ in images],
        progress=progress,
    )
    if texts:
        embeddings = _stacked(embeddings, retriever.embed_text([words for _, _, _, words in texts]))
    place = {key: row for row, key in enumerate([*images, *texts])}
    parts = [embeddings[np.array([place[key] for key in side], np.int64)] for side in sides]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _keys(records: Records) -> list[Key]:
    columns = (records.path, records.camera, records.modality, records.caption)
    return [
        ("", -1, "", words) if modality == TEXT else (path, camera, modality, "")
        for path, camera, modality, words in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _stacked(images: Embeddings, texts: Embeddings) -> Embeddings:
    """Both under each other; sentences beside masked images are trusted fully."""
    vectors = np.concatenate([images.vectors, texts.vectors])
    if images.masks is None:
        return Embeddings(vectors)
    ones = np.ones_like(texts.vectors) if texts.masks is None else texts.masks
    return Embeddings(vectors, np.concatenate([images.masks, ones]))
