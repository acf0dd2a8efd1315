"""The two parts that every baseline puts behind its backbone: the BNNeck and the classifier."""

from __future__ import annotations

from torch import Tensor, nn


class Neck(nn.Module):
    """Batch norm whose bias stays 0: metric losses before it, classification after it (bot.md, "Constants").

    >>> import torch
    >>> neck = Neck(8)
    >>> list(neck(torch.randn(4, 8)).shape), [p.requires_grad for p in neck.parameters()]
    ([4, 8], [True, False])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.norm.bias.requires_grad_(False)  # given by the source (bot.md, "Constants")

    def forward(self, features: Tensor) -> Tensor:
        """`[B, D]` to `[B, D]`."""
        result: Tensor = self.norm(features)
        return result


def classifier(width: int, persons: int) -> nn.Linear:
    """The identity prototypes `[C, D]`: no bias, from a normal of 0.001 (bot.md, "Constants")."""
    linear = nn.Linear(width, persons, bias=False)
    nn.init.normal_(linear.weight, std=0.001)
    return linear
