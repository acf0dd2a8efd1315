"""BoT, the strong residual baseline: ResNet-50 with the last stride 1 and a BNNeck (bot.md, "Constants")."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from glimpse.choices import NeckFeat, Pool
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.sizes import RESNET, Size
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken


@dataclass(frozen=True)
class BoTOptions:
    """What a card says of this network besides its size.

    Attributes:
        ibn: IBN-a norms in the first three stages.
        pool: from the last map to a vector; BoT averages.
        neck_feat: where the embedding is taken; BoT takes it after the neck.
    """

    ibn: bool = False
    pool: Pool = Pool.AVERAGE
    neck_feat: NeckFeat = NeckFeat.AFTER


class BoTNetwork(nn.Module):
    """Backbone and neck.

    >>> import torch
    >>> network = BoTNetwork(Size.MICRO, BoTOptions()).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape) == [2, network.dim]
    True
    """

    def __init__(self, size: Size, options: BoTOptions) -> None:
        super().__init__()
        config = replace(RESNET[size], ibn=options.ibn, pool=options.pool)
        self.neck_feat = options.neck_feat
        self.dim = config.channels
        self.backbone = ResNet(config)
        self.neck = Neck(self.dim)

    @classmethod
    def from_card(cls, card: NetworkCard) -> BoTNetwork:
        """The network that a card describes."""
        return cls(card.size, options_from_json(BoTOptions, card.options))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The feature before the neck and after it, both `[B, D]`, of images `[B, 3, H, W]`."""
        feature = self.backbone(images).feature
        return feature, self.neck(feature)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D]`; what they were taken with is of no meaning to this network."""
        before, after = self.forward(images)
        return after if self.neck_feat is NeckFeat.AFTER else before
