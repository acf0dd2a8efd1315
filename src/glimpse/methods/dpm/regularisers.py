"""What keeps heads apart and masks wide: head enrichment and the participation ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError
from glimpse.training.losses.precision import full_precision

_EPS = 1e-6  # read in the authors' code (dpm_family 3.4)


@full_precision
def head_enrichment(class_logits: Tensor) -> Tensor:
    """How alike the heads look at the patches: 0 if their maps are orthogonal (dpm_family 3.4).

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

    The trained twin of `glimpse.similarity.participation_ratio` (dpm_family 3.11).

    >>> participation(torch.tensor([[0.9, 0.5, 0.1]]))
    tensor([0.7009])
    """
    return masks.sum(1).square() / (masks.shape[1] * masks.square().sum(1)).clamp(min=_EPS)


@full_precision
def participation_floor(masks: Tensor, floor: float) -> Tensor:
    """The mean of `max(0, floor - participation)^2`: masks may not collapse (dpm_family 6.6)."""
    return (floor - participation(masks)).clamp(min=0).square().mean()
