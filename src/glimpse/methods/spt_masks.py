"""The trained selector as a source of foreground masks, in GrabCut's place (spt.md, "Pairing")."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError
from glimpse.files import printable
from glimpse.models.card import NetworkCard
from glimpse.models.spt import SptNetwork
from glimpse.models.storage import load_network
from glimpse.segmentation.base import Pixels
from glimpse.training.augment.pipeline import normalized

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class SelectorMasks:
    """Patches whose saliency is a half or more.

    Masks are made of the plain images, once, and move with them through the augmentation; the released
    code runs the selector on every augmented batch.

    Attributes:
        network: trained.
        card: of the network.
    """

    network: SptNetwork
    card: NetworkCard

    @classmethod
    def load(cls, folder: Path) -> SelectorMasks:
        """The network that `glimpse train spt` left in `final` or `best`."""
        card, network = load_network(folder)
        if not isinstance(network, SptNetwork):
            raise OptionError(
                f"{printable(folder)} holds a network of {card.method}; masks are made by one of spt"
            )
        return cls(network, card)

    @property
    def truth(self) -> str:
        """What the masks rest on."""
        return "SPT's patch selector, which learned from identities alone"

    @property
    def size(self) -> tuple[int, int]:
        """What the selector was trained on."""
        return self.card.image

    @torch.no_grad()
    def masks(self, pixels: Pixels, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `MaskSource.masks`; persons are not needed."""
        network = self.network.eval()
        device = next(network.parameters()).device
        height, width = self.card.image
        result = np.zeros((len(pixels), height, width), bool)
        for start in range(0, len(pixels), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(pixels)))
            images = torch.from_numpy(pixels.read(rows)).to(device)
            if tuple(images.shape[1:3]) != (height, width):
                raise ShapeError(
                    f"the selector sees images of {height}x{width}, got {images.shape[1]}x{images.shape[2]}"
                )
            salient = network.saliency(normalized(images, self.card.mean, self.card.std)) >= 0.5
            whole = torch.nn.functional.interpolate(salient[:, None].float(), size=(height, width))
            result[rows] = whole[:, 0].bool().cpu().numpy()
        return result
