"""DPM's losses: ArcFace through masks, head enrichment, and the participation floor (dpm.md)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from glimpse.choices import MaskSide
from glimpse.errors import OptionError, ShapeError
from glimpse.models.precision import full_precision
from glimpse.training.losses import cross_entropy

# the root in ArcFace has an infinite gradient at 1 (dpm.md, "What the published code does differently")
LARGEST = 1 - 1e-6
_EPS = 1e-6  # of masked lengths (evaluation.md, "Numerics")


@full_precision
def masked_cosines(
    features: Tensor, masks: Tensor | None, prototypes: Tensor, side: MaskSide = MaskSide.QUERY
) -> Tensor:
    """The cosine of every feature with every prototype under the feature's mask.

    See dpm.md, "Masked ArcFace".

    The plain loop makes masked prototypes `[C, D]` for each row; two products give the same:
    QUERY: <unit(h), unit(m W)> = (m h) . W / sqrt(m^2 . W^2), as released: the feature is not masked;
    SUBSPACE: <unit(m h), unit(m W)> = (m^2 h) . W / (|m h| sqrt(m^2 . W^2)).

    Args:
        features: `[B, D]`.
        masks: `[B, D]` in [0, 1], only their proportions count; None for the plain cosine.
        prototypes: `[C, D]`.
        side: QUERY or SUBSPACE; NONE is the plain cosine.

    Returns:
        `[B, C]`, within `LARGEST` of 0, so that ArcFace's gradient is finite.

    >>> prototypes = torch.tensor([[2.0, 1, 2], [0, 3, 4]])
    >>> masked_cosines(torch.tensor([[1.0, 2, 2]]), torch.tensor([[0.9, 0.5, 0.1]]), prototypes)
    tensor([[0.5677, 0.8159]])
    """
    if features.shape[1:] != prototypes.shape[1:] or (masks is not None and masks.shape != features.shape):
        got = [list(features.shape), None if masks is None else list(masks.shape), list(prototypes.shape)]
        raise ShapeError(f"expected features and masks [B, D] and prototypes [C, D], got {got}")
    unit = torch.nn.functional.normalize
    ours, theirs = unit(features, dim=1), unit(prototypes, dim=1)
    if masks is None or side is MaskSide.NONE:
        return (ours @ theirs.T).clamp(-LARGEST, LARGEST)
    if side is MaskSide.SUBSPACE:
        inside = unit(ours * masks, dim=1)
    elif side is MaskSide.QUERY:
        inside = ours
    else:
        raise OptionError(f"prototypes have no masks: train with the side query or subspace, not {side}")
    lengths = (masks.square() @ theirs.square().T).clamp(min=_EPS**2).sqrt()
    return ((inside * masks) @ theirs.T / lengths).clamp(-LARGEST, LARGEST)


@full_precision
def arcface(cosines: Tensor, labels: Tensor, margin: float) -> Tensor:
    """The cosines `[B, C]` with the angle to the own class made larger by `margin`.

    See dpm.md, "Masked ArcFace".

    Where the larger angle would pass pi, the cosine falls by a constant instead.

    >>> arcface(torch.tensor([[0.8, 0.1]]), torch.tensor([0]), 0.5)
    tensor([[0.4144, 0.1000]])
    """
    own = cosines.gather(1, labels[:, None])
    turned = own * math.cos(margin) - (1 - own.square()).clamp(min=0).sqrt() * math.sin(margin)
    lowered = own - margin * math.sin(math.pi - margin)
    return cosines.scatter(1, labels[:, None], torch.where(own > math.cos(math.pi - margin), turned, lowered))


@full_precision
def masked_arcface(
    features: Tensor,
    masks: Tensor | None,
    prototypes: Tensor,
    labels: Tensor,
    *,
    scale: float = 30.0,
    margin: float = 0.5,
    side: MaskSide = MaskSide.QUERY,
    ignored: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of `scale` times the masked cosines with ArcFace's margin (dpm.md, "Masked ArcFace").

    Args:
        features: `[B, D]`.
        masks: `[B, D]`, or None for ArcFace without a mask.
        prototypes: `[C, D]`.
        labels: `[B]`.
        scale: s, 30 in the authors' code.
        margin: a, in radians.
        side: see `masked_cosines`.
        ignored: `[B]`, a class per sample that does not compete, or -1 (`cross_entropy`).
    """
    cosines = masked_cosines(features, masks, prototypes, side)
    return cross_entropy(scale * arcface(cosines, labels, margin), labels, ignored=ignored)


@full_precision
def head_enrichment(class_logits: Tensor) -> Tensor:
    """How alike the heads look at the patches: 0 if their maps are orthogonal (dpm.md, "Head enrichment").

    The mean over images and pairs of heads of `(G - I)^2`, G the cosines between the heads' maps. The
    authors' code sums over the batch instead, so that its coefficient times 64 is the weight of this form.

    Args:
        class_logits: `[B, heads, N]`, class-to-patch logits before the softmax.

    >>> maps = torch.tensor([[[1.0, 0, 0], [1, 1, 0]]])
    >>> round(head_enrichment(maps).item(), 6)
    0.25
    """
    if class_logits.ndim != 3:
        raise ShapeError(f"expected class logits [B, heads, N], got {list(class_logits.shape)}")
    unit = class_logits / (class_logits.square().sum(2, keepdim=True) + _EPS).sqrt()
    gram = unit @ unit.transpose(1, 2)
    return (gram - torch.eye(gram.shape[1], device=gram.device, dtype=gram.dtype)).square().mean()


@full_precision
def participation(masks: Tensor) -> Tensor:
    """Which share of its dimensions each mask `[B, D]` uses, `[B]`: (sum m)^2 / (D sum m^2).

    The trained twin of `glimpse.similarity.participation_ratio` (dpm.md, "What the published code does
    differently").

    >>> participation(torch.tensor([[0.9, 0.5, 0.1]]))
    tensor([0.7009])
    """
    return masks.sum(1).square() / (masks.shape[1] * masks.square().sum(1)).clamp(min=_EPS)


@full_precision
def participation_floor(masks: Tensor, floor: float) -> Tensor:
    """The mean of `max(0, floor - participation)^2`: masks may not collapse (dpmpp.md, "Losses")."""
    return (floor - participation(masks)).clamp(min=0).square().mean()
