"""Statistics of masks (entropies, variance over images and dimensions), and controls at test time."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation import evaluate
from glimpse.protocols import Protocol
from glimpse.similarity import Cosine, participation_ratio

Floats = NDArray[np.float64]


def binary_entropy(masks: FloatArray) -> Floats:
    """The mean over dimensions of the binary entropy of each mask `[N, D]`, in bits, `[N]`.

    1 where every m is a half, 0 where each is 0 or 1.

    >>> binary_entropy(np.array([[0.5, 0.5], [0.0, 1.0], [0.5, 1.0]])).tolist()
    [1.0, 0.0, 0.5]
    """
    kept = _checked(masks)
    bits: Floats = (_surprise(kept) + _surprise(1.0 - kept)).mean(1)
    return bits


def spread_entropy(masks: FloatArray) -> Floats:
    """The entropy of m / sum m of each mask `[N, D]`, over that of an even mask.

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
    """The variance of masks over images and over dimensions.

    Attributes:
        mean: over all images and dimensions.
        over_images: the root of the variance over images, averaged over dimensions. 0 for a static mask.
        over_dimensions: the standard deviation of the mean mask over dimensions.
        own: the share of the variance that is over images, 0 to 1; 0 if nothing varies.
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


FAR_BELOW = 0.05  # mean average precision that a mask may cost before somebody is told; our choice


class MaskWarning(UserWarning):
    """Masks make the ranking worse than none."""


def mask_measures(
    query: Embeddings, gallery: Embeddings, protocol: Protocol, masked: Mapping[str, float]
) -> dict[str, float]:
    """What to log of masks; warns when the masked score falls far below the plain one.

    See evaluation.md, "Mask measures".

    Args:
        query: with masks.
        gallery: of the same protocol.
        protocol: of the validation.
        masked: `rank1` and `map` by the masked similarity.

    Returns:
        `rank1_plain` and `map_plain` by the plain cosine, the `gap` from `map_plain` to `map`, and the mean
        `participation` of the query's masks.
    """
    if query.masks is None:
        return {}
    plain = evaluate((query, gallery), protocol, similarity=Cosine())
    gap = masked["map"] - plain.mean_ap
    width = float(participation_ratio(query.masks).mean())
    if gap < -FAR_BELOW:
        warnings.warn(
            f"masks cost {-100 * gap:.1f} points of mAP (plain {100 * plain.mean_ap:.1f}, masked "
            f"{100 * masked['map']:.1f}, participation {width:.2f}): score with the side subspace or none",
            MaskWarning,
            stacklevel=2,
        )
    return {
        "rank1_plain": plain.rank_k(1),
        "map_plain": plain.mean_ap,
        "gap": gap,
        "participation": width,
    }


def without_masks(query: Embeddings) -> Embeddings:
    """The embeddings without their masks."""
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
