"""What the transformer methods share: overlapping patches in any size, and cameras that may be unknown."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.encoders.vit import ViT
from glimpse.errors import OptionError


def stride_of(sixteenths: int, patch: int) -> int:
    """The stride in pixels of patches of any size, from the published one for patches of 16 pixels.

    >>> [stride_of(12, patch) for patch in (16, 8)]
    [12, 6]
    """
    if not 1 <= sixteenths <= 16:
        raise OptionError(f"a stride is 1 to 16 sixteenths of a patch, got {sixteenths}")
    return max(1, round(sixteenths * patch / 16))


def side_rows(encoder: ViT, images: Tensor, cameras: Tensor | None) -> Tensor | None:
    """What the encoder wants to know of the cameras: nothing, or `[B]` with -1 for unknown ones."""
    if encoder.side is None:
        return None
    if cameras is None:
        return torch.full((images.shape[0],), -1, device=images.device)
    return cameras
