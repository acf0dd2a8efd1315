"""DPM's network: the ViT baseline and a mask head on its tokens (dpm.md, "Backbone")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from glimpse.choices import MaskKind, NeckFeat, UnknownCamera
from glimpse.models.backbones.position import Grid
from glimpse.models.backbones.sizes import Size, baseline_vit, camera_rows_of
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.heads.masks import build_mask_head, hierarchy
from glimpse.models.taken import Taken, cameras_of


@dataclass(frozen=True)
class DpmOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        mask: what makes the masks.
        stride: distance of neighboring patches in sixteenths of a patch: pixels, for patches of 16.
        camera_weight: factor of the camera embedding, where cameras are known.
        unknown_camera: what stands for a camera outside the table.
        drop_path: rate of the last block in training.
        neck_feat: where the embedding is taken.
    """

    mask: MaskKind = MaskKind.FULL
    stride: int = 11
    camera_weight: float = 3.0
    unknown_camera: UnknownCamera = UnknownCamera.ZERO
    drop_path: float = 0.1
    neck_feat: NeckFeat = NeckFeat.BEFORE


@dataclass(frozen=True, eq=False)
class DpmFeatures:
    """What a pass gives.

    Attributes:
        feature: `[B, D]`, f: the class token, before the neck.
        necked: `[B, D]`, h: after the neck.
        levels: patch tokens `[B, N, D]` of the hierarchy's depths, before any norm.
        class_logits: `[B, heads, N]` of the last block, where they were asked for.
    """

    feature: Tensor
    necked: Tensor
    levels: tuple[Tensor, ...]
    class_logits: Tensor | None = None

    def detached(self) -> DpmFeatures:
        """The same without gradients, for the mask head alone; without class logits."""
        levels = tuple(tokens.detach() for tokens in self.levels)
        return DpmFeatures(self.feature.detach(), self.necked.detach(), levels)


class DpmNetwork(nn.Module):
    """Backbone, neck and mask head.

    >>> import torch
    >>> network = DpmNetwork(Size.MICRO, (64, 32), 0, DpmOptions(MaskKind.LIGHT)).eval()
    >>> [list(part.shape) for part in network.embed(torch.zeros(1, 3, 64, 32))]
    [[1, 64], [1, 64]]
    """

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: DpmOptions) -> None:
        super().__init__()
        self.backbone = baseline_vit(
            size,
            image,
            cameras,
            stride=options.stride,
            camera_weight=options.camera_weight,
            drop_path=options.drop_path,
            unknown_camera=options.unknown_camera,
        )
        config = self.backbone.config
        self.neck_feat = options.neck_feat
        self.dim = config.width
        self.depths = hierarchy(config.depth)
        self.neck = Neck(config.width)
        self.mask_head = build_mask_head(options.mask, config.width, config.grid)

    @classmethod
    def from_card(cls, card: NetworkCard) -> DpmNetwork:
        """The network that a card describes."""
        options = options_from_json(DpmOptions, card.options)
        return cls(card.size, card.image, len(card.cameras), options)

    @property
    def grid(self) -> Grid:
        """Rows and columns of patches."""
        return self.backbone.grid

    def forward(
        self,
        images: Tensor,
        cameras: Tensor | None = None,
        mix: Callable[[Tensor], Tensor] | None = None,
        *,
        heads: bool = False,
    ) -> DpmFeatures:
        """The features of images, without masks.

        Args:
            images: `[B, 3, H, W]`.
            cameras: integers `[B]`, rows of the camera table, -1 for unknown; None: all are unknown.
            mix: changes the patch embeddings, as `ViT.forward` has it.
            heads: whether the last block's class logits are wanted.
        """
        depths = () if self.mask_head is None else self.depths
        output = self.backbone(
            images,
            cameras=camera_rows_of(self.backbone, images, cameras),
            mix=mix,
            depths=depths,
            class_logits_of=len(self.backbone.blocks) if heads else None,
            patches=False,
        )
        feature = output.class_token
        levels = tuple(output.at[depth][:, 1:] for depth in depths)
        return DpmFeatures(feature, self.neck(feature), levels, output.class_logits)

    def masks(self, features: DpmFeatures) -> Tensor | None:
        """The masks `[B, D]` of what a pass gave; None without a mask head."""
        if self.mask_head is None:
            return None
        masks: Tensor = self.mask_head(features.levels, self.grid)
        return masks

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Vectors `[B, D]` and masks `[B, D]`; vectors alone without a mask head."""
        features = self(images, cameras_of(taken))
        vectors = features.feature if self.neck_feat is NeckFeat.BEFORE else features.necked
        masks = self.masks(features)
        return vectors if masks is None else (vectors, masks)
