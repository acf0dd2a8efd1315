"""AGW for visible and infrared images: two stems, non-local blocks, generalized mean, BNNeck (agw.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glimpse.choices import ImageBackbone, NeckFeat, NonLocalWidth, Pool, Size
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.sizes import RESNET, baseline_vit, with_non_local
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, Three, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken, infrared_of
from glimpse.records import IMAGE_MODALITIES


@dataclass(frozen=True)
class AgwOptions:
    """What a card says of this network besides size, image and normalization.

    Attributes:
        backbone: a ResNet, or a ViT with an embedding of the modality.
        two_stems: of a ResNet: whether each modality has a stem of its own.
        non_local: of a ResNet: whether it has non-local blocks.
        non_local_width: their inner channels.
        pool: of a ResNet: from the last map to a vector.
        gem_power: p of the generalized mean.
        stride: of a ViT: of patches, in sixteenths of a patch.
        modality_weight: of a ViT: factor of the modality embedding; 0 for none.
        drop_path: of a ViT: rate of the last block in training.
        neck_feat: where the embedding is taken.
    """

    backbone: ImageBackbone = ImageBackbone.RESNET
    two_stems: bool = True
    non_local: bool = True
    non_local_width: NonLocalWidth = NonLocalWidth.ONE
    pool: Pool = Pool.GENERALIZED_MEAN
    gem_power: float = 3.0
    stride: int = 16
    modality_weight: float = 3.0
    drop_path: float = 0.1
    neck_feat: NeckFeat = NeckFeat.AFTER

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those that the network tells apart: all or none."""
        vit = self.backbone is ImageBackbone.VIT
        return IMAGE_MODALITIES if (self.modality_weight if vit else self.two_stems) else ()


class AgwNetwork(nn.Module):
    """Backbone and neck; an image of unknown modality counts as infrared if it has no color.

    >>> network = AgwNetwork(Size.MICRO, (64, 32), AgwOptions()).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape) == [2, network.dim]
    True
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        size: Size,
        image: tuple[int, int],
        options: AgwOptions,
        mean: Three = (0.5, 0.5, 0.5),
        std: Three = (0.5, 0.5, 0.5),
    ) -> None:
        super().__init__()
        self.backbone: ResNet | ViT
        if options.backbone is ImageBackbone.RESNET:
            config = replace(
                RESNET[size],
                streams=2 if options.two_stems else 1,
                pool=options.pool,
                gem_power=options.gem_power,
            )
            if options.non_local:
                config = with_non_local(config, options.non_local_width)
            self.backbone, self.dim = ResNet(config), config.channels
        else:
            self.backbone = baseline_vit(
                size,
                image,
                len(options.modalities),  # a row for each, as cameras have
                stride=options.stride,
                camera_weight=options.modality_weight,
                drop_path=options.drop_path,
            )
            self.dim = self.backbone.config.width
        self.options = options
        self.neck = Neck(self.dim)
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values), persistent=False)  # the card has them

    @classmethod
    def from_card(cls, card: NetworkCard) -> AgwNetwork:
        """The network that a card describes."""
        return cls(card.size, card.image, options_from_json(AgwOptions, card.options), card.mean, card.std)

    def forward(self, images: Tensor, infrared: Tensor) -> tuple[Tensor, Tensor]:
        """The feature before the neck and after it, both `[B, D]`.

        Args:
            images: `[B, 3, H, W]`.
            infrared: bool `[B]`, which of them are.
        """
        if isinstance(self.backbone, ResNet):
            feature = self.backbone(images, infrared=infrared).feature
        else:
            rows = infrared.long() if self.options.modalities else None
            feature = self.backbone(images, cameras=rows, patches=False).class_token
        return feature, self.neck(feature)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D]`."""
        told = None if taken is None else taken.modalities
        before, after = self(images, infrared_of(images, told, self.mean, self.std))
        vectors: Tensor = after if self.options.neck_feat is NeckFeat.AFTER else before
        return vectors
