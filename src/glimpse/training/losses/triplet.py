"""Triplet losses on all distances of a batch: the hardest positive and negative of every anchor.

Masks choose the pairs, so persons may have any number of images in a batch, and further pairs can be
left out (baselines.md, "Losses").
"""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError
from glimpse.models.precision import full_precision


@full_precision
def euclidean(features: Tensor, others: Tensor | None = None) -> Tensor:
    """Distances `[B, M]` of features `[B, D]` to others `[M, D]`, or to themselves; not normalized."""
    others = features if others is None else others
    squared = features.square().sum(1)[:, None] + others.square().sum(1) - 2 * features @ others.T
    return squared.clamp(min=1e-12).sqrt()  # the clamp keeps the root's gradient finite at 0


def batch_hard(distances: Tensor, labels: Tensor, ignored: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The farthest image of the same person and the nearest of another, for every anchor.

    Args:
        distances: `[B, B]`.
        labels: `[B]`.
        ignored: bool `[B, B]`, pairs that are no negatives (spt.md, "Transfer").

    Returns:
        Two `[B]`. The anchor itself counts as its own positive, which is harmless; without any negative
        the second is infinite, and the losses are 0.

    >>> distances = torch.tensor([[0.0, 1.2, 1.5], [1.2, 0.0, 2.0], [1.5, 2.0, 0.0]])
    >>> [hardest.tolist() for hardest in batch_hard(distances.double(), torch.tensor([0, 0, 1]))][1]
    [1.5, 2.0, 1.5]
    """
    same = _same(distances, labels)
    negative = ~same if ignored is None else ~(same | ignored)
    farthest = distances.masked_fill(~same, -torch.inf).amax(1)
    nearest = distances.masked_fill(~negative, torch.inf).amin(1)
    return farthest, nearest


@full_precision
def soft_triplet(features: Tensor, labels: Tensor, ignored: Tensor | None = None) -> Tensor:
    """`mean softplus(d_ap - d_an)`: TransReID, DPM, SPT (baselines.md, "Losses").

    Args:
        features: `[B, D]`, as they are.
        labels: `[B]`.
        ignored: see `batch_hard`.
    """
    farthest, nearest = batch_hard(euclidean(features), labels, ignored)
    return torch.nn.functional.softplus(farthest - nearest).mean()


@full_precision
def margin_triplet(
    features: Tensor, labels: Tensor, margin: float = 0.3, ignored: Tensor | None = None
) -> Tensor:
    """`mean max(0, d_ap - d_an + margin)`: BoT, CLIP-ReID (baselines.md, "Losses")."""
    farthest, nearest = batch_hard(euclidean(features), labels, ignored)
    return (farthest - nearest + margin).clamp(min=0).mean()


@full_precision
def weighted_triplet(features: Tensor, labels: Tensor) -> Tensor:
    """AGW's weighted regularized triplet: all pairs, the hard ones weighing more.

    See agw.md, "Losses".

    `mean softplus(sum w^p d - sum w^n d)`, with `w^p` the softmax of the distances to the anchor's person
    (the anchor itself included) and `w^n` the softmax of the negated distances to all others.
    """
    distances = euclidean(features)
    same = _same(distances, labels)
    positive = _expected(distances, same, sign=1)
    negative = _expected(distances, ~same, sign=-1)
    return torch.nn.functional.softplus(positive - negative).mean()


def ignored_pairs(ignored: Tensor, labels: Tensor) -> Tensor:
    """Bool `[B, B]`: the rows of each anchor's ignored person (spt.md, "Transfer").

    >>> ignored_pairs(torch.tensor([1, -1]), torch.tensor([0, 1])).tolist()
    [[False, True], [False, False]]
    """
    return ignored[:, None] == labels


def _expected(distances: Tensor, mask: Tensor, sign: int) -> Tensor:
    """The mean `[B]` of each row's masked distances under the softmax of `sign * distance`."""
    if not bool(mask.any(1).all()):
        raise ShapeError("weighted triplets need images of at least two persons in every batch")
    weights = (sign * distances).masked_fill(~mask, -torch.inf).softmax(1)
    return (weights * distances).sum(1)


def _same(distances: Tensor, labels: Tensor) -> Tensor:
    if distances.ndim != 2 or distances.shape != (len(labels), len(labels)):
        raise ShapeError(
            f"expected distances [B, B] and labels [B], got {list(distances.shape)} and {list(labels.shape)}"
        )
    return labels[:, None] == labels
