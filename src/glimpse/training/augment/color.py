"""Color jitter: brightness, contrast, saturation and hue, in an order drawn for each image.

The blends are those of torchvision on values in [0, 1]; nothing is rounded to 8 bits in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.errors import OptionError
from glimpse.training.augment.jitter import GRAY, SATURATION, jitter


@dataclass(frozen=True, eq=False)
class Colors:
    """What was drawn for each image.

    Attributes:
        order: int64 [B, 4]; a permutation of brightness 0, contrast 1, saturation 2, hue 3.
        amount: float32 [B, 4]; the factors of the first three, the turn of the hue in [-.5, .5].
    """

    order: Tensor
    amount: Tensor

    def __getitem__(self, rows: slice) -> Colors:
        return Colors(self.order[rows], self.amount[rows])


@dataclass(frozen=True)
class ColorJitter:
    """How far the colors may wander.

    See baselines.md, "Images and augmentation": .3, .3, .2, .2 for Market to Occluded-REID.

    Attributes:
        brightness: factors are drawn from 1 - brightness to 1 + brightness.
        contrast: likewise.
        saturation: likewise.
        hue: turns are drawn from -hue to hue of the full circle.
        gray: the probability that all color is taken out, as the infrared has none.
    """

    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.2
    hue: float = 0.2
    gray: float = 0.0

    def __post_init__(self) -> None:
        strengths = (self.brightness, self.contrast, self.saturation)
        if not all(0 <= strength <= 1 for strength in strengths) or not 0 <= self.hue <= 0.5:
            raise OptionError(f"strengths must lie in 0..1 and hue in 0..0.5, got {strengths} and {self.hue}")
        if not 0 <= self.gray <= 1:
            raise OptionError(f"gray is a probability, 0 to 1, got {self.gray}")

    def draw(self, batch: int, generator: torch.Generator) -> Colors:
        """Colors for each of `batch` images."""
        spread = torch.tensor([self.brightness, self.contrast, self.saturation, self.hue])
        middle = torch.tensor([1.0, 1.0, 1.0, 0.0])
        order = torch.rand(batch, 4, generator=generator).argsort(1)
        amount = middle + spread * (2 * torch.rand(batch, 4, generator=generator) - 1)
        if self.gray:  # nothing is drawn for what is off
            amount[torch.rand(batch, generator=generator) < self.gray, SATURATION] = 0
        return Colors(order, amount)


@dataclass(frozen=True)
class ChannelExchange:
    """One channel in the place of all three: channel exchange of CAJ (Ye et al., ICCV 2021).

    What is left has no colors, as infrared has none, and looks as under a lamp of one color. Infrared frames,
    whose channels are equal, stay as they are. See baselines.md, "Images and augmentation".

    Attributes:
        probability: that it happens to an image; each channel is then equally likely.
    """

    probability: float

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise OptionError(f"channel exchange happens with a probability, 0 to 1, got {self.probability}")

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """int64 `[B]`: the channel that each image shows, -1 for all three as they are."""
        chosen = torch.randint(0, 3, (batch,), generator=generator)
        happens = torch.rand(batch, generator=generator) < self.probability
        return torch.where(happens, chosen, -1)


def exchanged(planes: Tensor, channels: Tensor) -> Tensor:
    """Images `[B, 3, H, W]` with the channel that was drawn in the place of all; a new tensor."""
    chosen = channels.to(planes.device)
    own = torch.arange(3, device=planes.device)
    source = torch.where(chosen[:, None] < 0, own, chosen[:, None])
    return planes.gather(1, source[:, :, None, None].expand_as(planes))


def jittered(images: Tensor, colors: Colors) -> Tensor:
    """Change the colors of each image as drawn.

    Args:
        images: float `[B, 3, H, W]` in [0, 1].
        colors: of each of the B images.

    Returns:
        float `[B, 3, H, W]` in [0, 1].
    """
    images = images.clone()
    for place in range(4):
        for kind, change in enumerate(_CHANGES):
            chosen = (colors.order[:, place] == kind).nonzero()[:, 0].to(images.device)
            if len(chosen):
                amount = colors.amount[:, kind].to(images.device)[chosen].view(-1, 1, 1, 1)
                images[chosen] = change(images[chosen], amount)
    return images


def jittered_bytes(planes: Tensor, colors: Colors) -> Tensor:
    """Change the colors of 8-bit images as drawn: `jittered`, then rounded to 8 bits, ties to even.

    On CPUs compiled code gives the same bytes in a twentieth of the time.

    Args:
        planes: uint8 `[B, 3, H, W]`.
        colors: of each of the B images.

    Returns:
        uint8 `[B, 3, H, W]`, a new tensor.
    """
    if planes.device.type == "cpu":
        return jitter(planes, colors.order, colors.amount)
    return jittered_bytes_in_torch(planes, colors)


def jittered_bytes_in_torch(planes: Tensor, colors: Colors) -> Tensor:
    """The same on any device, and what the compiled code is tested against."""
    return (jittered(planes.float().div_(255), colors) * 255).round_().to(torch.uint8)


def _brighter(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor).clamp_(0, 1)


def _contrasted(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, _gray(images).mean((2, 3), keepdim=True), factor)


def _saturated(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, _gray(images), factor)


def _turned(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue, keeping the largest and the smallest of the three channels of each pixel.

    With `k_n = (n + 6 h) mod 6` for n = 5, 3, 1, channel n is
    `v - (v - m) * clamp(min(k_n, 4 - k_n), 0, 1)`, for hue h in [0, 1), largest channel v and smallest m.
    """
    red, green, blue = images.unbind(1)
    value, smallest = images.amax(1), images.amin(1)
    chroma = value - smallest
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sixth = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    turned = sixth + 6 * turn[:, 0]
    steps = [(turned + n).remainder(6) for n in (5, 3, 1)]
    return torch.stack([value - chroma * torch.minimum(k, 4 - k).clamp(0, 1) for k in steps], 1)


def _gray(images: Tensor) -> Tensor:
    weights = images.new_tensor(GRAY).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * other).clamp_(0, 1)


_CHANGES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (_brighter, _contrasted, _saturated, _turned)
