"""Side information: what is known beside the pixels, the camera above all, as an added embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glimpse.encoders.unknown_side import UnknownSide
from glimpse.errors import ShapeError


class SideEmbedding(nn.Module):
    """A learned row per camera (or camera and view), added to tokens with a weight (dpm_family 2.3).

    TransReID and DPM add it to all tokens with weight 3, CLIP-ReID to the class token with weight 1
    (both read in the authors' code).
    """

    def __init__(
        self, sides: int, width: int, *, weight: float, class_only: bool, unknown: UnknownSide
    ) -> None:
        super().__init__()
        self.weight = weight
        self.class_only = class_only
        self.unknown = unknown
        self.table = nn.Parameter(torch.empty(sides, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, tokens: Tensor, side: Tensor) -> Tensor:
        """Add the rows of `side`, integers `[B]`, to tokens `[B, 1 + N, D]`.

        A number outside the table, as -1, is a camera that is unknown.
        """
        if side.shape != tokens.shape[:1] or side.is_floating_point():
            raise ShapeError(
                f"side information must be integers [{len(tokens)}], got {side.dtype} {list(side.shape)}"
            )
        fallback = self.table.mean(0) if self.unknown is UnknownSide.MEAN else torch.zeros_like(self.table[0])
        known = ((side >= 0) & (side < len(self.table))).unsqueeze(-1)
        rows = self.weight * torch.where(known, self.table[side.clamp(0, len(self.table) - 1)], fallback)
        if not self.class_only:
            return tokens + rows.unsqueeze(1)
        return torch.cat([tokens[:, :1] + rows.unsqueeze(1), tokens[:, 1:]], dim=1)
