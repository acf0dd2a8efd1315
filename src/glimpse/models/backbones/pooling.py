"""From a feature map to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glimpse.choices import Pool


class Pooling(nn.Module):
    """Pool `[B, C, H, W]` to `[B, C]`.

    The generalized mean is `mean(x^p)^(1/p)`, for maps that are never negative: p = 1 averages, large p
    takes the maximum (agw.md, "Network"). Values below 1e-6 count as 1e-6, so that roots have
    gradients.

    >>> Pooling(Pool.GENERALIZED_MEAN, power=3.0)(torch.full((1, 2, 4, 4), 5.0))
    tensor([[5., 5.]])
    """

    def __init__(self, pool: Pool, *, power: float = 3.0, learned: bool = False) -> None:
        super().__init__()
        self.pool = pool
        self.power: Tensor | float = nn.Parameter(torch.tensor(power)) if learned else power

    def forward(self, features: Tensor) -> Tensor:
        """Pool over all places."""
        places = features.flatten(2)
        if self.pool is Pool.AVERAGE:
            return places.mean(-1)
        if self.pool is Pool.MAX:
            return places.amax(-1)
        # powers of half-precision numbers overflow: this is one of the islands in float32
        raised: Tensor = places.float().clamp_min(1e-6) ** self.power
        result: Tensor = raised.mean(-1) ** (1 / self.power)
        return result.to(features.dtype)
