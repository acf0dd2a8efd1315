"""The selector's network: a vision transformer and one number per patch (spt.md, "Selector")."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glimpse.models.backbones.sizes import VIT, Size
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.heads.masks import hierarchy
from glimpse.models.taken import Taken


@dataclass(frozen=True)
class SptOptions:
    """What a card says of this network besides size and image.

    Attributes:
        drop_path: rate of the last block in training.
    """

    drop_path: float = 0.1


class SptNetwork(nn.Module):
    """Backbone, neck, and the head that says which patches matter.

    >>> network = SptNetwork(Size.MICRO, (64, 32), SptOptions()).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape)
    [2, 64]
    >>> list(network.saliency(torch.zeros(2, 3, 64, 32)).shape)
    [2, 8, 4]
    """

    def __init__(self, size: Size, image: tuple[int, int], options: SptOptions) -> None:
        super().__init__()
        config = replace(VIT[size], image=image, drop_path=options.drop_path)
        self.backbone = ViT(config)
        self.neck = Neck(config.width)
        self.levels = hierarchy(config.depth)
        # a 1x1 convolution over the tokens' grid is a linear map of each token
        self.head = nn.Linear(config.width * len(self.levels), 1)
        self.dim = config.width

    @classmethod
    def from_card(cls, card: NetworkCard) -> SptNetwork:
        """The network that a card describes."""
        return cls(card.size, card.image, options_from_json(SptOptions, card.options))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The feature before the neck `[B, D]`, and the mask `[B, N]` in 0..1.

        The mask learns nothing through its input: the tokens are detached (spt.md, "Selector").
        """
        output = self.backbone(images, depths=self.levels, patches=False)
        tokens = torch.cat([output.at[level][:, 1:].detach() for level in self.levels], dim=2)
        return output.class_token, self.head(tokens)[..., 0].sigmoid()

    def seen_through(self, images: Tensor, mask: Tensor) -> Tensor:
        """The feature `[B, D]` when the patch embeddings are multiplied by a mask `[B, N]`."""
        seen = self.backbone(images, mix=lambda patches: patches * mask[..., None], patches=False)
        feature: Tensor = seen.class_token
        return feature

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D]`, before the neck; what images were taken with is not used."""
        feature: Tensor = self.backbone(images, patches=False).class_token
        return feature

    def saliency(self, images: Tensor) -> Tensor:
        """The mask on the grid of patches, `[B, rows, columns]` in 0..1."""
        mask: Tensor = self(images)[1]
        return mask.view(-1, *self.backbone.grid)
