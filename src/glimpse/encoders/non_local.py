"""The non-local block of AGW: every place of a feature map looks at every other."""

from __future__ import annotations

from enum import StrEnum

from torch import Tensor, nn


class NonLocalWidth(StrEnum):
    """Inner channels: one, as AGW's released code computes by a slip, or half, as the paper means.

    See thesis_methods 3.6.
    """

    ONE = "one"
    HALF = "half"


class NonLocal(nn.Module):
    """Embedded dot product over all places, divided by their number, without a softmax.

    The last norm starts at zero, so that a new block changes nothing.
    """

    def __init__(self, channels: int, inner: NonLocalWidth) -> None:
        super().__init__()
        width = 1 if inner is NonLocalWidth.ONE else channels // 2
        self.query = nn.Conv2d(channels, width, 1)
        self.key = nn.Conv2d(channels, width, 1)
        self.value = nn.Conv2d(channels, width, 1)
        self.out = nn.Conv2d(width, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, C, H, W]`.

        Without a softmax the product is associative: keys meet values first, which costs places times
        width squared instead of width times places squared.
        """
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        context = value @ key.transpose(1, 2) / key.shape[-1]
        mixed = (context @ query).unflatten(2, x.shape[2:])
        result: Tensor = x + self.norm(self.out(mixed))
        return result
