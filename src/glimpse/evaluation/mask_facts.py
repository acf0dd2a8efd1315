"""What masks do to pictures: how decided they are, and how much of them is the picture's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import FloatArray
from glimpse.errors import ShapeError

Floats = NDArray[np.float64]


def binary_entropy(masks: FloatArray) -> Floats:
    """How undecided each mask `[N, D]` is: the mean over its dimensions of the entropy of m, in bits, `[N]`.

    1 where every m is a half, 0 where each is 0 or 1.

    >>> binary_entropy(np.array([[0.5, 0.5], [0.0, 1.0], [0.5, 1.0]])).tolist()
    [1.0, 0.0, 0.5]
    """
    kept = _checked(masks)
    bits: Floats = (_surprise(kept) + _surprise(1.0 - kept)).mean(1)
    return bits


def spread_entropy(masks: FloatArray) -> Floats:
    """How evenly each mask `[N, D]` spreads its trust: the entropy of m / sum m over that of an even one.

    1 for an even mask, 0 for one that keeps a single dimension; nothing kept counts as 0.

    >>> spread_entropy(np.array([[0.2, 0.2], [0.7, 0.0]])).tolist()
    [1.0, 0.0]
    """
    kept = _checked(masks)
    if kept.shape[1] < 2:
        raise ShapeError(f"an even spread needs two dimensions or more, got {kept.shape[1]}")
    total = kept.sum(1, keepdims=True)
    shares = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    evenness: Floats = _surprise(shares).sum(1) / np.log2(kept.shape[1])
    return evenness


@dataclass(frozen=True)
class MaskVariation:
    """How masks vary.

    Attributes:
        mean: over all images and dimensions.
        over_images: how far a dimension's trust strays from image to image, as a standard deviation: the
            root of the variance over images, averaged over dimensions. 0 for a static mask.
        over_dimensions: how far the mean mask strays from dimension to dimension, likewise.
        own: the share of all variance that is over images: what of a mask is its picture's own, 0 to 1; 0 if
            nothing varies.
    """

    mean: float
    over_images: float
    over_dimensions: float
    own: float


def mask_variation(masks: FloatArray) -> MaskVariation:
    """How the masks `[N, D]` of N images vary.

    >>> mask_variation(np.array([[0.2, 0.6], [0.2, 0.6]])).own
    0.0
    >>> mask_variation(np.array([[0.2, 0.6], [0.6, 0.2]])).own
    1.0
    """
    kept = _checked(masks)
    if not kept.size:
        raise ShapeError(f"masks vary if there is one at least, got {list(kept.shape)}")
    among_images = float(kept.var(0).mean())
    among_dimensions = float(kept.mean(0).var())
    total = among_images + among_dimensions
    # rounding must not make a static mask look as if it knew its image
    own = among_images / total if total > 1e-12 and among_images > 1e-12 else 0.0
    return MaskVariation(float(kept.mean()), among_images**0.5, among_dimensions**0.5, own)


def _checked(masks: FloatArray) -> Floats:
    if masks.ndim != 2:
        raise ShapeError(f"masks must be [N, D], got {list(masks.shape)}")
    kept = np.asarray(masks, np.float64)
    if kept.size and not (kept.min() >= 0 and kept.max() <= 1):
        raise ShapeError(f"masks must lie in [0, 1], got values from {kept.min()} to {kept.max()}")
    return kept


def _surprise(shares: Floats) -> Floats:
    """-p log2 p, and 0 at 0."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    surprise: Floats = -shares * logs
    return surprise
