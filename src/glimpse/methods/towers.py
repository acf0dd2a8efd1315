"""What the transformer methods share: overlapping patches in any size, and cameras that may be unknown."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from glimpse.encoders.sizes import VIT, Size
from glimpse.encoders.unknown_side import UnknownSide
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


def baseline_vit(
    size: Size,
    image: tuple[int, int],
    cameras: int,
    *,
    stride: int,
    side_weight: float,
    drop_path: float,
    unknown_side: UnknownSide = UnknownSide.ZERO,
) -> ViT:
    """The encoder that TransReID, DPM and SPT stand on (dpm_family 2.1 to 2.3).

    Args:
        size: of the encoder.
        image: height and width of its input.
        cameras: how many have an embedding.
        stride: of patches, in sixteenths of a patch.
        side_weight: of the camera embedding.
        drop_path: rate of the last block in training.
        unknown_side: what stands for other cameras.
    """
    config = VIT[size]
    return ViT(
        replace(
            config,
            image=image,
            stride=stride_of(stride, config.patch),
            drop_path=drop_path,
            sides=cameras,
            side_weight=side_weight,
            unknown_side=unknown_side,
        )
    )


def side_rows(encoder: ViT, images: Tensor, cameras: Tensor | None) -> Tensor | None:
    """What the encoder wants to know of the cameras: nothing, or `[B]` with -1 for unknown ones."""
    if encoder.side is None:
        return None
    if cameras is None:
        return torch.full((images.shape[0],), -1, device=images.device)
    return cameras
