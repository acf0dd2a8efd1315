"""Random embeddings and sets, and the best of all scores by a stable sort."""

import numpy as np

from glimpse.embeddings import Embeddings


def random_embeddings(rng, rows, dim, masked=True, dtype=np.float64):
    masks = rng.uniform(size=(rows, dim)).astype(dtype) if masked else None
    return Embeddings(rng.normal(size=(rows, dim)).astype(dtype), masks)


def random_sets(rng, rows, channels):
    return rng.uniform(size=(rows, channels)) * (rng.random((rows, channels)) > 0.6)


def sorted_all(scores, k):
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, rows, 1), rows
