"""The whole way of a batch: uint8 pixels in, normalized and augmented images and their maps out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.errors import ShapeError
from glimpse.training.augment.color import (
    ChannelExchange,
    ColorJitter,
    Colors,
    exchanged,
    jittered_bytes,
)
from glimpse.training.augment.erasing import Erasing, Rectangles, erased
from glimpse.training.augment.geometry import FlipAndCrop, Placement, placed

HALF = (0.5, 0.5, 0.5)
"""Mean and deviation of every ViT configuration, CLIP's too: read in the code.

See baselines.md, "Images and augmentation".
"""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class MapRule:
    """How the labels of a map change with the pixels, beyond being moved with them.

    Attributes:
        mirror: uint8 [256], the label that each becomes in a mirrored image, as a left arm becomes a right
            one; None if labels have no sides.
        erased: label of erased pixels: background, as SAP has it, or one that losses leave out. Padding is
            background always.
    """

    mirror: NDArray[np.uint8] | None = None
    erased: int = 0


PLAIN = MapRule()


@dataclass(frozen=True, eq=False)
class Draws:
    """Everything that was drawn for the B images of a batch; None where a part is off."""

    placement: Placement | None
    colors: Colors | None
    rectangles: Rectangles | None
    channels: Tensor | None = None

    def __getitem__(self, rows: slice) -> Draws:
        """The draws of some images: each process takes its share of the global batch's."""
        return Draws(
            placement=self.placement[rows] if self.placement else None,
            colors=self.colors[rows] if self.colors else None,
            rectangles=self.rectangles[rows] if self.rectangles else None,
            channels=None if self.channels is None else self.channels[rows],
        )


@dataclass(frozen=True)
class Augmentation:
    """What is done to a training batch, in this order: exchange, jitter, flip and crop, normalize, erase.

    Attributes:
        mean: of the normalization, for values in [0, 1].
        std: likewise.
        geometry: flip, pad and crop, or None.
        jitter: of colors, or None.
        erasing: of a rectangle, or None.
        exchange: of channels, or None.
    """

    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF
    geometry: FlipAndCrop | None = None
    jitter: ColorJitter | None = None
    erasing: Erasing | None = None
    exchange: ChannelExchange | None = None

    def draw(self, batch: int, size: tuple[int, int], generator: torch.Generator) -> Draws:
        """Draw for `batch` images of `size` (height, width), from a generator on the CPU."""
        return Draws(
            placement=self.geometry.draw(batch, generator) if self.geometry else None,
            colors=self.jitter.draw(batch, generator) if self.jitter else None,
            rectangles=self.erasing.draw(batch, size, generator) if self.erasing else None,
            # last: what is drawn without it stays what it was
            channels=self.exchange.draw(batch, generator) if self.exchange else None,
        )

    def apply(
        self,
        pixels: Tensor,
        draws: Draws,
        maps: Mapping[str, Tensor] | None = None,
        rules: Mapping[str, MapRule] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Do what was drawn.

        Args:
            pixels: uint8 `[B, H, W, 3]`, on any device.
            draws: of the B images.
            maps: masks and part maps by name, uint8 `[B, H, W]` on the same device; 0 is background.
            rules: of the maps whose labels have sides or are erased to something else than background.

        Returns:
            The images, float32 `[B, 3, H, W]`, and the maps, moved, cropped and erased alike.
        """
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise ShapeError(f"pixels must be uint8 [B, H, W, 3], got {pixels.dtype} {list(pixels.shape)}")
        for name, values in (maps or {}).items():
            if values.dtype != torch.uint8 or values.shape != pixels.shape[:3]:
                raise ShapeError(
                    f"the map {name} must be uint8 {list(pixels.shape[:3])} like the pixels, "
                    f"got {values.dtype} {list(values.shape)}"
                )
        rules = rules or {}
        planes = _planes(pixels)
        moved = {name: values[:, None] for name, values in (maps or {}).items()}
        if draws.channels is not None:
            planes = exchanged(planes, draws.channels)
        if self.jitter and draws.colors is not None:
            # back to 8 bits, as the originals have between their steps: the padding's value is in 8 bits
            planes = jittered_bytes(planes, draws.colors)
        if self.geometry and draws.placement is not None:
            padding, fill = self.geometry.padding, self.geometry.fill
            planes = placed(planes, draws.placement, padding=padding, fill=fill)
            moved = {name: placed(v, draws.placement, padding=padding) for name, v in moved.items()}
            for name, values in moved.items():
                _exchange_sides(values, draws.placement.flip, rules.get(name, PLAIN))
        images = _normalized(planes, self.mean, self.std)
        result = {name: values[:, 0] for name, values in moved.items()}
        if self.erasing and draws.rectangles is not None:
            images = erased(images, draws.rectangles, self.erasing)
            if self.erasing.maps and result:
                gone = draws.rectangles.mask(*images.shape[2:]).to(images.device)
                result = {
                    name: values.masked_fill(gone, rules.get(name, PLAIN).erased)
                    for name, values in result.items()
                }
        return images, result


def normalized(pixels: Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]) -> Tensor:
    """uint8 `[B, H, W, 3]` to float32 `[B, 3, H, W]`, `(value / 255 - mean) / deviation`; a new tensor."""
    return _normalized(_planes(pixels), mean, std)


def _exchange_sides(maps: Tensor, flip: Tensor, rule: MapRule) -> None:
    """In the maps of mirrored images, left becomes right; in place."""
    if rule.mirror is not None:
        rows = flip.to(maps.device)
        maps[rows] = torch.from_numpy(rule.mirror).to(maps.device)[maps[rows].long()]


def _planes(pixels: Tensor) -> Tensor:
    """`[B, H, W, 3]` to a contiguous `[B, 3, H, W]`; plane by plane is 4 times faster than `contiguous`."""
    return torch.stack(pixels.unbind(3), 1)


def _normalized(planes: Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]) -> Tensor:
    scale = torch.tensor([1 / (255 * d) for d in std], device=planes.device).view(1, 3, 1, 1)
    shift = torch.tensor([-m / d for m, d in zip(mean, std, strict=True)], device=planes.device)
    return planes.float().mul_(scale).add_(shift.view(1, 3, 1, 1))
