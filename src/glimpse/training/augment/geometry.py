"""Flip, then pad and crop: where each pixel of the result comes from, for images and their maps alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.errors import OptionError
from glimpse.training.augment.runs import runs


@dataclass(frozen=True, eq=False)
class Placement:
    """What was drawn for each image.

    Attributes:
        flip: bool [B]; mirror left and right.
        top: int64 [B]; first row of the crop, in the padded image.
        left: int64 [B]; first column.
    """

    flip: Tensor
    top: Tensor
    left: Tensor

    def __getitem__(self, rows: slice) -> Placement:
        return Placement(self.flip[rows], self.top[rows], self.left[rows])


@dataclass(frozen=True)
class FlipAndCrop:
    """Mirror with some probability, pad all around, crop the original size (spec dpm_family 1.2).

    Attributes:
        flip: probability of mirroring.
        padding: pixels added on every side.
        fill: value of the padding, 0 to 255; the maps' padding is always 0, the background.
    """

    flip: float = 0.5
    padding: int = 10
    fill: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.flip <= 1 or self.padding < 0 or not 0 <= self.fill <= 255:
            raise OptionError(
                "flip must lie in 0..1, padding be at least 0 and fill lie in 0..255, "
                f"got {self.flip}, {self.padding} and {self.fill}"
            )

    def draw(self, batch: int, generator: torch.Generator) -> Placement:
        """A placement for each of `batch` images."""
        places = 2 * self.padding + 1
        return Placement(
            flip=torch.rand(batch, generator=generator) < self.flip,
            top=torch.randint(places, (batch,), generator=generator),
            left=torch.randint(places, (batch,), generator=generator),
        )


def placed(planes: Tensor, placement: Placement, *, padding: int, fill: int = 0) -> Tensor:
    """Mirror and crop every image as its placement says.

    A crop of a padded image is, row by row, a run of neighbouring values; so the whole batch is one
    gather of runs.

    Args:
        planes: uint8 `[B, C, H, W]`; nothing is interpolated, so a map of labels stays one.
        placement: of each of the B images.
        padding: what the placement was drawn for.
        fill: value of the padding.

    Returns:
        uint8 `[B, C, H, W]`, a copy.
    """
    batch, channels, height, width = planes.shape
    device = planes.device
    padded = planes.new_full((batch, channels, height + 2 * padding, width + 2 * padding), fill)
    padded[:, :, padding : padding + height, padding : padding + width] = planes
    flipped = placement.flip.to(device).nonzero()[:, 0]
    # the padded image mirrored is the mirrored image padded: one flip, before the crop or after it
    left = torch.where(placement.flip, 2 * padding - placement.left, placement.left).to(device)
    plane = torch.arange(batch * channels, device=device).view(batch, channels, 1)
    row = placement.top.to(device)[:, None] + torch.arange(height, device=device)
    starts = (plane * (height + 2 * padding) + row[:, None]) * (width + 2 * padding) + left[:, None, None]
    result = runs(padded.view(-1), starts.view(-1), width).view(planes.shape)
    result[flipped] = result[flipped].flip(3)
    return result
