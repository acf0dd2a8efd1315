"""Random erasing: one rectangle of each image becomes noise or a constant color."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glimpse.choices import Fill
from glimpse.errors import OptionError
from glimpse.training.augment.geometry import by_slices
from glimpse.training.seeding import generator as stream

_ATTEMPTS = 10  # read in timm's code, which TransReID uses (baselines.md, "Images and augmentation")
_TABLE = 2**20  # our choice: normal numbers, from which every image reads on from its own place


@dataclass(frozen=True, eq=False)
class Rectangles:
    """What was drawn for each image; a rectangle without height erases nothing.

    Attributes:
        top: int64 [B].
        left: int64 [B].
        height: int64 [B].
        width: int64 [B].
        place: int64 [B]; where the image's noise begins in the table of normal numbers.
    """

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    place: Tensor

    def __getitem__(self, rows: slice) -> Rectangles:
        return Rectangles(*(v[rows] for v in (self.top, self.left, self.height, self.width, self.place)))

    def mask(self, height: int, width: int) -> Tensor:
        """Bool `[B, H, W]`, True where a pixel is erased."""
        return (
            _within(self.top, self.height, height)[:, :, None]
            & (_within(self.left, self.width, width)[:, None, :])
        )


@dataclass(frozen=True)
class Erasing:
    """Erase one rectangle with some probability, after normalization.

    Attributes:
        probability: of erasing an image.
        area: smallest and largest share of the image; (.02, 1/3) in TransReID, (.02, .4) in BoT.
        aspect: smallest height over width, and its inverse the largest; drawn evenly in the logarithm.
        fill: noise N(0, 1) per value (TransReID), or one color (BoT).
        color: the constant, in normalized values: 0 is the mean pixel.
        maps: whether an erased area becomes background in the maps.
    """

    probability: float = 0.5
    area: tuple[float, float] = (0.02, 1 / 3)
    aspect: float = 0.3
    fill: Fill = Fill.NOISE
    color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    maps: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1 or not 0 < self.area[0] <= self.area[1] <= 1:
            raise OptionError(
                "probability must lie in 0..1 and area hold two growing shares of 0..1, "
                f"got {self.probability} and {self.area}"
            )
        if not 0 < self.aspect <= 1:
            raise OptionError(f"aspect must lie in 0..1, got {self.aspect}")

    def draw(self, batch: int, size: tuple[int, int], generator: torch.Generator) -> Rectangles:
        """Rectangles for `batch` images of `size` (height, width): the first of ten attempts that fits."""
        height, width = size
        uniform = torch.rand(2, batch, _ATTEMPTS, generator=generator, dtype=torch.float64)
        area = (self.area[0] + (self.area[1] - self.area[0]) * uniform[0]) * height * width
        aspect = (math.log(self.aspect) * (1 - 2 * uniform[1])).exp()
        high, wide = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
        fits = (high < height) & (wide < width)
        first = fits.to(torch.uint8).argmax(1, keepdim=True)
        erase = torch.rand(batch, generator=generator) < self.probability
        erase &= fits.any(1)
        high, wide = (torch.where(erase, v.gather(1, first)[:, 0], 0) for v in (high, wide))
        where = torch.rand(2, batch, generator=generator, dtype=torch.float64)
        return Rectangles(
            top=(where[0] * (height - high + 1)).long(),
            left=(where[1] * (width - wide + 1)).long(),
            height=high,
            width=wide,
            place=torch.randint(_TABLE, (batch,), generator=generator),
        )


def erased(images: Tensor, rectangles: Rectangles, erasing: Erasing) -> Tensor:
    """Fill each image's rectangle.

    Args:
        images: float `[B, 3, H, W]`, normalized.
        rectangles: of each of the B images.
        erasing: says with what to fill.

    Returns:
        float `[B, 3, H, W]`; `images` itself may be changed.
    """
    shape = images.shape[1:]
    filling = _noise(shape, images.device) if erasing.fill is Fill.NOISE else _color(erasing.color, images)
    r = rectangles
    drawn = (v.tolist() for v in (r.top, r.left, r.height, r.width, r.place))
    for image, top, left, high, wide, place in zip(by_slices(images), *drawn, strict=True):
        if high:
            area = np.s_[:, top : top + high, left : left + wide]
            image[area] = filling(place)[area]
    return images


def _noise(shape: torch.Size, device: torch.device) -> Callable[[int], Any]:
    """Makes normal numbers `[C, H, W]`, read from the table on from a place; the same on every device."""
    count = shape.numel()
    table = by_slices(_table(device, times=2 + count // _TABLE))  # behind its end it begins again
    return lambda place: table[place : place + count].reshape(shape)


def _color(color: tuple[float, float, float], images: Tensor) -> Callable[[int], Any]:
    values = by_slices(images.new_tensor(color).view(3, 1, 1).expand(images.shape[1:]))
    return lambda place: values


@lru_cache(maxsize=8)
def _table(device: torch.device, *, times: int = 1) -> Tensor:
    """Drawn once on the CPU: drawing six million numbers anew for every batch would cost more than a step."""
    return torch.randn(_TABLE, generator=stream(0)).repeat(times).to(device)


def _within(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Bool [B, size]: start <= position < start + length."""
    position = torch.arange(size)
    return (position >= start[:, None]) & (position < (start + length)[:, None])
