"""What images were taken with, as a network is told it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.models.card import NetworkCard
from glimpse.records import IMAGE_MODALITIES, IR, Capture

INFRARED = IMAGE_MODALITIES.index(IR)
"""The number of infrared among `Taken.modalities`."""


@dataclass(frozen=True, eq=False)
class Taken:
    """Camera and modality of B images: what is not told is unknown.

    Attributes:
        cameras: integers `[B]`, places in the card's `cameras`, -1 for unknown; None: all are unknown.
        modalities: integers `[B]`, places in the card's `modalities`, -1 for unknown; None: all are unknown.

    >>> taken = Taken(modalities=torch.tensor([0, 1, -1]))
    >>> taken[1:].modalities.tolist()
    [1, -1]
    """

    cameras: Tensor | None = None
    modalities: Tensor | None = None

    def __getitem__(self, rows: slice | Tensor) -> Taken:
        """What the chosen images were taken with."""
        cameras, modalities = self.cameras, self.modalities
        return Taken(
            None if cameras is None else cameras[rows], None if modalities is None else modalities[rows]
        )

    @classmethod
    def of(cls, capture: Capture, card: NetworkCard, device: torch.device | str = "cpu") -> Taken:
        """Numbers of the data set as places in a card's tables."""
        cameras, modalities = card.camera_rows(capture.cameras), card.modality_rows(capture.modalities)
        return cls(torch.from_numpy(cameras).to(device), torch.from_numpy(modalities).to(device))


def cameras_of(taken: Taken | None) -> Tensor | None:
    """The cameras alone, for networks that ask for nothing else."""
    return None if taken is None else taken.cameras


def infrared_of(images: Tensor, modalities: Tensor | None, mean: Tensor, std: Tensor) -> Tensor:
    """Which images are infrared, bool `[B]`: as told, or if untold, those without any color.

    See agw.md, "Inference".

    Args:
        images: normalized, `[B, 3, H, W]`.
        modalities: as `Taken` has them.
        mean: of the normalization, `[3]`.
        std: likewise.
    """
    levels = images * (255 * std)[:, None, None] + (255 * mean)[:, None, None]
    # channels of equal bytes differ by what rounding leaves, and of others by a level at least
    gray = (levels.amax(1) - levels.amin(1)).flatten(1).amax(1) < 0.5
    if modalities is None:
        return gray
    # not torch.where, which ONNX Runtime does not have for booleans
    return (modalities == INFRARED) | ((modalities < 0) & gray)
