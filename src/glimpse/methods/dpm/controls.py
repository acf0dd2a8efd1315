"""Masks that must do worse than the true ones, if these know their image: controls at test time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import OptionError


def without_masks(query: Embeddings) -> Embeddings:
    """No mask at test: full trust."""
    return replace(query, masks=None)


def with_static_mask(query: Embeddings, mask: FloatArray) -> Embeddings:
    """The same mask `[D]` for every query, for instance the mean over another set of images."""
    return replace(query, masks=np.tile(np.asarray(mask, query.vectors.dtype), (len(query), 1)))


def with_permuted_masks(query: Embeddings, random: np.random.Generator) -> Embeddings:
    """Another query's mask for every query.

    >>> masked = Embeddings(np.zeros((3, 1)), np.array([[0.1], [0.2], [0.3]]))
    >>> swapped = with_permuted_masks(masked, np.random.default_rng(0))
    >>> bool((swapped.masks == masked.masks).any()), sorted(swapped.masks[:, 0].tolist())
    (False, [0.1, 0.2, 0.3])
    """
    if query.masks is None or len(query) < 2:
        raise OptionError("masks can be exchanged among two queries or more that have them")
    # along one cycle through all queries, so that nobody keeps the own mask
    cycle = random.permutation(len(query))
    others = np.empty_like(cycle)
    others[cycle] = np.roll(cycle, 1)
    return replace(query, masks=query.masks[others])
