"""DPM++'s network: a ViT of either flavor, a descriptor in blocks, and a mask head.

See dpmpp.md, "Architecture".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glimpse.choices import Backbone, MaskKind, NeckFeat, UnknownCamera
from glimpse.errors import OptionError
from glimpse.models.backbones.position import Grid
from glimpse.models.backbones.sizes import CLIP_VIT, Size, baseline_vit, camera_rows_of, stride_of
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.heads.masks import StaticMask, build_mask_head, hierarchy
from glimpse.models.heads.stripes import StripedMaskHead, Visibility, stripe_patches
from glimpse.models.taken import Taken, cameras_of


@dataclass(frozen=True)
class DpmppOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        backbone: flavor of the backbone.
        mask: what makes the masks.
        stripes: K, blocks of the descriptor that each see one stripe of the image; 0 as published.
        stride: distance of neighboring patches in sixteenths of a patch.
        camera_weight: factor of the camera embedding, where cameras are known.
        unknown_camera: what stands for a camera outside the table.
        drop_path: rate of the last block in training.
        neck_feat: where the embedding is taken.
    """

    backbone: Backbone = Backbone.CLIP
    mask: MaskKind = MaskKind.LIGHT
    stripes: int = 0
    stride: int = 16
    camera_weight: float = 1.0
    unknown_camera: UnknownCamera = UnknownCamera.ZERO
    drop_path: float = 0.0
    neck_feat: NeckFeat = NeckFeat.BEFORE


@dataclass(frozen=True, eq=False)
class DpmppFeatures:
    """What a pass gives.

    Attributes:
        blocks: `[B, 1 + K, D]`, f: the class tokens of the image and of each stripe alone.
        levels: patch tokens `[B, N, D]` of the hierarchy's depths, before any norm.
        early: `[B, D]`, c11: the class token before the last block.
        projected: `[B, P]`, z; None without CLIP.
        class_logits: `[B, heads, N]` of the last block, where they were asked for.
    """

    blocks: Tensor
    levels: tuple[Tensor, ...]
    early: Tensor
    projected: Tensor | None = None
    class_logits: Tensor | None = None

    @property
    def descriptor(self) -> Tensor:
        """`[B, (1 + K) D]`."""
        return self.blocks.flatten(1)


class DpmppNetwork(nn.Module):
    """Backbone, neck and mask head.

    >>> options = DpmppOptions(Backbone.VIT, stripes=2)
    >>> network = DpmppNetwork(Size.MICRO, (64, 32), 0, options).eval()
    >>> [list(part.shape) for part in network.embed(torch.zeros(1, 3, 64, 32))]
    [[1, 192], [1, 192]]
    """

    stripe_patches: Tensor

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: DpmppOptions) -> None:
        super().__init__()
        self.backbone = _backbone(size, image, cameras, options)
        config = self.backbone.config
        self.neck_feat = options.neck_feat
        self.stripes = options.stripes
        self.width = config.width
        self.dim = config.width * (1 + options.stripes)
        self.depths = hierarchy(config.depth)
        # first, as it refuses stripes that there are no rows for
        self.register_buffer("stripe_patches", _patches(config.grid, options.stripes), persistent=False)
        self.neck = Neck(self.dim)
        self.mask_head = _mask_head(options, config.width, config.grid)

    @classmethod
    def from_card(cls, card: NetworkCard) -> DpmppNetwork:
        """The network that a card describes."""
        options = options_from_json(DpmppOptions, card.options)
        return cls(card.size, card.image, len(card.cameras), options)

    @property
    def grid(self) -> Grid:
        """Rows and columns of patches."""
        return self.backbone.grid

    def forward(self, images: Tensor, cameras: Tensor | None = None, *, heads: bool = False) -> DpmppFeatures:
        """The features of images, without masks.

        Args:
            images: `[B, 3, H, W]`.
            cameras: integers `[B]`, rows of the camera table, -1 for unknown; None: all are unknown.
            heads: whether the last block's class logits are wanted.
        """
        last = len(self.backbone.blocks)
        rows = camera_rows_of(self.backbone, images, cameras)
        output = self.backbone(
            images,
            cameras=rows,
            depths={*self.depths, last - 1},
            class_logits_of=last if heads else None,
            patches=False,
        )
        return DpmppFeatures(
            blocks=torch.cat([output.class_token[:, None], self._of_stripes(images, rows)], dim=1),
            levels=tuple(output.at[depth][:, 1:] for depth in self.depths),
            early=output.at[last - 1][:, 0],
            projected=output.projected,
            class_logits=output.class_logits,
        )

    def _of_stripes(self, images: Tensor, rows: Tensor | None) -> Tensor:
        """What each stripe is encoded to by passes that see nothing else, `[B, K, D]`."""
        # shape[0], not len: what is traced for export must follow the batch
        batch, patches = images.shape[0], self.stripe_patches
        if not self.stripes:
            return images.new_zeros(batch, 0, self.width)
        passes = [
            self.backbone(images, cameras=rows, visible=numbers.expand(batch, -1), patches=False).class_token
            for numbers in patches
        ]
        return torch.stack(passes, dim=1)

    def masks(self, features: DpmppFeatures) -> Tensor | None:
        """The masks `[B, (1 + K) D]` of what a pass gave; None without a mask head."""
        if self.mask_head is None:
            return None
        masks: Tensor = self.mask_head(features.levels, self.grid)
        return masks

    @property
    def tells_visibility(self) -> bool:
        """Whether it can say where it sees persons."""
        return isinstance(self.mask_head, StripedMaskHead)

    def visibility(self, images: Tensor, taken: Taken | None = None) -> Visibility:
        """Where persons are seen, and the trust in stripes; only of a `tells_visibility` network."""
        if not isinstance(self.mask_head, StripedMaskHead):
            raise OptionError("this network has no masks of stripes: it does not say where it sees persons")
        return self.mask_head.visibility(self(images, cameras_of(taken)).levels, self.grid)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Vectors `[B, (1 + K) D]` and masks of the same shape; vectors alone without a mask head."""
        features = self(images, cameras_of(taken))
        vectors = features.descriptor if self.neck_feat is NeckFeat.BEFORE else self.neck(features.descriptor)
        masks = self.masks(features)
        return vectors if masks is None else (vectors, masks)


def _patches(grid: Grid, stripes: int) -> Tensor:
    return stripe_patches(grid, stripes) if stripes else torch.zeros(0, 0, dtype=torch.int64)


def _mask_head(options: DpmppOptions, width: int, grid: Grid) -> nn.Module | None:
    if options.mask is MaskKind.STATIC:
        return StaticMask(width * (1 + options.stripes))
    head = build_mask_head(options.mask, width, grid)
    return (
        head if head is None or not options.stripes else StripedMaskHead(head, width, grid, options.stripes)
    )


def _backbone(size: Size, image: tuple[int, int], cameras: int, options: DpmppOptions) -> ViT:
    if options.backbone is Backbone.VIT:
        return baseline_vit(
            size,
            image,
            cameras,
            stride=options.stride,
            camera_weight=options.camera_weight,
            drop_path=options.drop_path,
            unknown_camera=options.unknown_camera,
        )
    config = CLIP_VIT[size]
    return ViT(
        replace(
            config,
            image=image,
            stride=stride_of(options.stride, config.patch),
            drop_path=options.drop_path,
            cameras=cameras,
            camera_weight=options.camera_weight,
            unknown_camera=options.unknown_camera,
        )
    )
