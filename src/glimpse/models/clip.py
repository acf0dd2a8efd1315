"""CLIP itself: an image backbone and a text backbone with one space for both."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from glimpse.models.backbones.sizes import CLIP_TEXT, CLIP_VIT, Size
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.taken import Taken


@dataclass(frozen=True)
class ClipOptions:
    """What a card says of this network besides size and image; nothing is left to say."""


class ClipNetwork(nn.Module):
    """Both backbones.

    >>> import torch
    >>> network = ClipNetwork(Size.MICRO, (64, 32)).eval()
    >>> images = network.embed(torch.zeros(2, 3, 64, 32))
    >>> images.shape == network.embed_text(torch.ones(2, 9, dtype=torch.long), torch.tensor([8, 8])).shape
    True
    """

    def __init__(self, size: Size, image: tuple[int, int]) -> None:
        super().__init__()
        config = replace(CLIP_VIT[size], image=image)
        self.dim = config.projection
        self.images = ViT(config)
        self.texts = TextBackbone(CLIP_TEXT[size])

    @classmethod
    def from_card(cls, card: NetworkCard) -> ClipNetwork:
        """The network that a card describes."""
        options_from_json(ClipOptions, card.options)
        return cls(card.size, card.image)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, P]`; what they were taken with is of no meaning to this network."""
        projected: Tensor = self.images(images, patches=False).projected
        return projected

    def embed_text(self, ids: Tensor, ends: Tensor) -> Tensor:
        """`[B, P]`, comparable with the images'."""
        projected: Tensor = self.texts(ids, ends).projected
        return projected
