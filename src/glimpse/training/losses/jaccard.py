"""The soft Jaccard coefficient with gradient, and the triplet loss by its distance (mos.md, "Losses")."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from glimpse.errors import ShapeError
from glimpse.models.precision import full_precision
from glimpse.training.losses.triplet import batch_hard

_AT_ONCE = 2**22
"""Our choice: differences that are spread out at a time, 16 MiB of them."""
_EMPTY = 1e-6
"""Added to both sums, so that two empty sets score 0 and have a gradient; our choice."""


@full_precision
def soft_jaccard(features: Tensor, others: Tensor, tau: float) -> Tensor:
    """The soft Jaccard coefficient of all pairs, `[B, M]`: `(S - L) / (S + L)`.

    `S = sum(a + b)`, `L = sum(d tanh(tau d / 2))`, `d = a - b`, over the channels of a pair a, b: what
    `glimpse.similarity.SetJaccard(tau)` computes, with gradient. Differences are computed in blocks, in both
    directions, so that memory does not grow with the number of pairs. The backward pass computes those of
    pairs that have a gradient, which after `batch_hard` are two per anchor.

    Args:
        features: `[B, C]`, never negative.
        others: `[M, C]`, likewise.
        tau: how closely `d tanh(tau d / 2)` follows |d|: the larger, the closer.

    >>> soft_jaccard(torch.tensor([[1.0, 0, 2]]), torch.tensor([[0.0, 1, 2]]), 1.0)
    tensor([[0.7330]])
    """
    if features.ndim != 2 or others.ndim != 2 or features.shape[1] != others.shape[1]:
        raise ShapeError(f"expected [B, C] and [M, C], got {list(features.shape)} and {list(others.shape)}")
    sizes = features.sum(1)[:, None] + others.sum(1)
    apart: Tensor = _Gap.apply(features, others, tau)  # type: ignore[no-untyped-call]
    return (sizes - apart) / (sizes + apart + _EMPTY)


@full_precision
def jaccard_triplet(
    features: Tensor, labels: Tensor, tau: float, margin: float, ignored: Tensor | None = None
) -> Tensor:
    """`mean max(0, margin + D_ap - D_an)`, `D = 1 - J`, the hardest of each anchor under D.

    Args:
        features: `[B, C]`, never negative, not normalized.
        labels: `[B]`.
        tau: see `soft_jaccard`.
        margin: between both distances, which lie in [0, 1].
        ignored: see `batch_hard`.
    """
    farthest, nearest = batch_hard(1 - soft_jaccard(features, features, tau), labels, ignored)
    return (farthest - nearest + margin).clamp(min=0).mean()


class _Gap(torch.autograd.Function):
    """`sum(d tanh(tau d / 2))` of all pairs of rows, in blocks."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, others: Tensor, tau: float) -> Tensor:
        ctx.save_for_backward(features, others)
        ctx.tau = tau
        result = features.new_empty(len(features), len(others))
        rows = max(1, _AT_ONCE // max(1, others.numel()))
        for start in range(0, len(features), rows):
            apart = features[start : start + rows, None] - others
            result[start : start + rows] = torch.mul(apart, tau / 2).tanh_().mul_(apart).sum(2)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        features, others = ctx.saved_tensors
        left, right = torch.zeros_like(features), torch.zeros_like(others)
        pairs = gradient.nonzero()
        for some in torch.split(pairs, max(1, _AT_ONCE // max(1, features.shape[1]))):
            rows, columns = some.unbind(1)
            half = (features[rows] - others[columns]) * (ctx.tau / 2)
            slope = half.tanh()
            # the derivative of d tanh(tau d / 2): tanh(h) + h (1 - tanh(h)^2), h = tau d / 2
            slope += half * (1 - slope.square())
            slope *= gradient[rows, columns][:, None]
            left.index_add_(0, rows, slope)
            right.index_add_(0, columns, slope, alpha=-1)
        return left, right, None
