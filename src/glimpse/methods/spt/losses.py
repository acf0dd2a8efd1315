"""What makes the selector keep few patches, and those that matter (dpm_family 4.2)."""

from __future__ import annotations

from torch import Tensor

from glimpse.training.losses.precision import full_precision


@full_precision
def usage_loss(mask: Tensor, usage: float) -> Tensor:
    """The squared distance of the whole batch's mean from the usage: single images may use more or fewer.

    >>> import torch
    >>> usage_loss(torch.tensor([[0.5, 0.5], [0.25, 0.25]]), 0.375).item()
    0.0
    """
    return (mask.mean() - usage).square()


@full_precision
def complement_loss(logits: Tensor, complement: Tensor) -> Tensor:
    """How far the rest of a picture predicts what the picture does: mean `<softmax(s0), softmax(s2)>`.

    Args:
        logits: `[B, C]` of the whole picture.
        complement: `[B, C]` of the patches that were left out.
    """
    return (logits.softmax(1) * complement.softmax(1)).sum(1).mean()
