"""Losses of one sample and its person: cross-entropy and the center loss."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError
from glimpse.models.precision import full_precision


@full_precision
def cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float = 0.0, ignored: Tensor | None = None
) -> Tensor:
    """Cross-entropy with label smoothing: the target is `(1 - eps) onehot + eps / C`.

    See baselines.md, "Losses".

    An ignored class takes no part in its sample's softmax, and the smoothed target is spread over the
    C - 1 others: otherwise smoothing would charge an infinite price for it (dpmpp.md, "Synthetic copies").

    Args:
        logits: `[B, C]`.
        labels: int64 `[B]`.
        smoothing: eps.
        ignored: int64 `[B]`, a class per sample that does not compete, or -1. A sample's own class
            is never ignored.

    Returns:
        The mean over the batch.

    >>> loss = cross_entropy(torch.tensor([[2.0, 1.0, 0.0, -1.0]]), torch.tensor([0]), smoothing=0.1)
    >>> round(loss.item(), 6)
    0.59019
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ShapeError(
            f"expected logits [B, C] and labels [B], got {list(logits.shape)} and {list(labels.shape)}"
        )
    if ignored is None:
        return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    classes = torch.arange(logits.shape[1], device=logits.device)
    out = (classes == ignored[:, None]) & (classes != labels[:, None])
    log_probability = logits.masked_fill(out, -torch.inf).log_softmax(1).masked_fill(out, 0)
    own = log_probability.gather(1, labels[:, None])[:, 0]
    competing = logits.shape[1] - out.sum(1)
    return -((1 - smoothing) * own + smoothing * log_probability.sum(1) / competing).mean()


@full_precision
def center_loss(features: Tensor, centers: Tensor, labels: Tensor) -> Tensor:
    """Mean squared distance to the center of the own person: BoT's third loss (bot.md, "Constants").

    Args:
        features: `[B, D]`.
        centers: `[C, D]`.
        labels: int64 `[B]`.
    """
    return (features - centers[labels]).square().sum(1).mean()
