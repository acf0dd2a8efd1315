"""Flip, then pad and crop: where each pixel of the result comes from, for images and their maps alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glimpse.errors import OptionError


def by_slices(tensor: Tensor) -> Any:
    """The same memory, to be sliced often: numpy's slices cost a tenth of torch's, where the CPU holds it.

    On other devices the tensor itself; both are sliced, assigned to and gone through alike.
    """
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


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
    """Mirror with some probability, pad all around, crop the original size.

    See baselines.md, "Images and augmentation".

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

    Args:
        planes: uint8 `[B, C, H, W]`; nothing is interpolated, so a map of labels stays one.
        placement: of each of the B images.
        padding: what the placement was drawn for.
        fill: value of the padding.

    Returns:
        uint8 `[B, C, H, W]`, a copy.
    """
    height, width = planes.shape[2:]
    result = torch.full_like(planes, fill)
    drawn = (placement.flip.tolist(), placement.top.tolist(), placement.left.tolist())
    for image, target, flip, top, left in zip(by_slices(planes), by_slices(result), *drawn, strict=True):
        # a crop of the padded image is the image moved, its parts beyond the border lost
        rows_to, rows = _moved(padding - top, height)
        columns_to, columns = _moved(padding - left, width)
        target[:, rows_to, columns_to] = (_mirrored(image) if flip else image)[:, rows, columns]
    return result


def _moved(by: int, size: int) -> tuple[slice, slice]:
    """Where what stays within `size` goes when it is moved, and where it is from."""
    return (
        slice(max(by, 0), max(size + min(by, 0), 0)),
        slice(max(-by, 0), max(size - max(by, 0), 0)),
    )


def _mirrored(image: Any) -> Any:
    return image.flip(2) if isinstance(image, Tensor) else image[:, :, ::-1]
