"""The image side of CLIP-ReID, which is all that is left of it after training (clip-reid.md, "Inference")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glimpse.choices import NeckFeat
from glimpse.models.backbones.sizes import CLIP_VIT, Size, camera_rows_of, stride_of
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken, cameras_of


@dataclass(frozen=True)
class ClipReIDOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        stride: distance of neighboring patches in sixteenths of a patch: pixels, for patches of 16.
        camera_weight: factor of the camera embedding on the class token, where cameras are known.
        neck_feat: where the embedding is taken; CLIP-ReID takes it before the necks.
    """

    stride: int = 16
    camera_weight: float = 1.0
    neck_feat: NeckFeat = NeckFeat.BEFORE


@dataclass(frozen=True, eq=False)
class ClipReIDFeatures:
    """What a pass gives (clip-reid.md, "Network").

    Attributes:
        early: `[B, D]`, c11: the class token before the last block.
        feature: `[B, D]`, f: the class token after the last norm.
        projected: `[B, P]`, z: the same in the space shared with texts.
        necked: `feature` after its neck.
        projected_necked: `projected` after its neck.
    """

    early: Tensor
    feature: Tensor
    projected: Tensor
    necked: Tensor
    projected_necked: Tensor


class ClipReIDNetwork(nn.Module):
    """CLIP's image backbone and a neck for each of its two features.

    >>> network = ClipReIDNetwork(Size.MICRO, (64, 32), 0, ClipReIDOptions()).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape)
    [2, 96]
    """

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: ClipReIDOptions) -> None:
        super().__init__()
        config = CLIP_VIT[size]
        config = replace(
            config,
            image=image,
            stride=stride_of(options.stride, config.patch),
            cameras=cameras,
            camera_weight=options.camera_weight,
        )
        self.neck_feat = options.neck_feat
        self.dim = config.width + config.projection
        self.backbone = ViT(config)
        self.neck = Neck(config.width)
        self.projected_neck = Neck(config.projection)

    @classmethod
    def from_card(cls, card: NetworkCard) -> ClipReIDNetwork:
        """The network that a card describes."""
        options = options_from_json(ClipReIDOptions, card.options)
        return cls(card.size, card.image, len(card.cameras), options)

    def forward(
        self,
        images: Tensor,
        cameras: Tensor | None = None,
        mix: Callable[[Tensor], Tensor] | None = None,
    ) -> ClipReIDFeatures:
        """All features of images `[B, 3, H, W]`; cameras and mix as in `ViT.forward`."""
        last = len(self.backbone.blocks) - 1
        rows = camera_rows_of(self.backbone, images, cameras)
        output = self.backbone(images, cameras=rows, mix=mix, depths=[last], patches=False)
        feature, projected = output.class_token, output.projected
        return ClipReIDFeatures(
            early=output.at[last][:, 0],
            feature=feature,
            projected=projected,
            necked=self.neck(feature),
            projected_necked=self.projected_neck(projected),
        )

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D + P]`: both features, as they are (clip-reid.md, "Inference")."""
        features = self(images, cameras_of(taken))
        if self.neck_feat is NeckFeat.BEFORE:
            return torch.cat([features.feature, features.projected], dim=1)
        return torch.cat([features.necked, features.projected_necked], dim=1)
