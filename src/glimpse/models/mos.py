"""MoS: images as fuzzy sets of patterns, the channels of a pooled map that is never negative (mos.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.nn.functional import relu

from glimpse.choices import ImageBackbone, Pool, Size
from glimpse.models.backbones.pooling import Pooling
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.sizes import RESNET, baseline_vit
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken

PATTERNS = 4  # of a ViT, per dimension of its tokens: a ResNet's proportion at each size; our choice


@dataclass(frozen=True)
class MosOptions:
    """What a card says of this network besides size and image.

    Attributes:
        backbone: what gives the activations.
        ibn: of a ResNet: IBN-a norms in the first three stages.
        pool: how the activations of all places become one vector.
        stride: of a ViT: of patches, in sixteenths of a patch.
        drop_path: of a ViT: rate of the last block in training.
    """

    backbone: ImageBackbone = ImageBackbone.RESNET
    ibn: bool = False
    pool: Pool = Pool.MAX
    stride: int = 16
    drop_path: float = 0.1


class MosNetwork(nn.Module):
    """Backbone, for a ViT a head that is never negative, and a neck for the identity loss alone.

    >>> import torch
    >>> network = MosNetwork(Size.MICRO, (64, 32), MosOptions(backbone=ImageBackbone.VIT)).eval()
    >>> embedded = network.embed(torch.randn(2, 3, 64, 32))
    >>> list(embedded.shape), bool((embedded >= 0).all())
    ([2, 256], True)
    """

    def __init__(self, size: Size, image: tuple[int, int], options: MosOptions) -> None:
        super().__init__()
        self.backbone: nn.Module
        if options.backbone is ImageBackbone.RESNET:
            config = replace(RESNET[size], ibn=options.ibn)
            self.backbone, self.head = ResNet(config), None
            self.dim = config.channels
        else:
            vit = baseline_vit(
                size, image, 0, stride=options.stride, camera_weight=0.0, drop_path=options.drop_path
            )
            self.dim = PATTERNS * vit.config.width
            self.backbone, self.head = vit, nn.Linear(vit.config.width, self.dim)
        self.pooling = Pooling(options.pool)
        self.neck = Neck(self.dim)

    @classmethod
    def from_card(cls, card: NetworkCard) -> MosNetwork:
        """The network that a card describes."""
        return cls(card.size, card.image, options_from_json(MosOptions, card.options))

    def activations(self, images: Tensor) -> Tensor:
        """How much of each pattern is where, `[B, C, h, w]`, never negative, of images `[B, 3, H, W]`."""
        output = self.backbone(images)
        if self.head is None:
            maps: Tensor = output.map
            return maps
        patterns: Tensor = relu(self.head(output.patches)).transpose(1, 2)
        return patterns.reshape(*patterns.shape[:2], *output.grid)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The set `[B, C]`, and what the classifier sees: the set behind the neck."""
        patterns = self.pooling(self.activations(images))
        return patterns, self.neck(patterns)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """The set, `[B, C]`; what images were taken with is of no meaning to this network."""
        return self.forward(images)[0]
