"""The sizes that backbones come in, from tests to the published shapes.

`micro` and `tiny` are our choice, for CPUs: `micro` trains in seconds, `tiny` in minutes, and the weights
of both together stay below 25 MB. `small` and
`base` are published shapes: DeiT-S and ViT-B/16, CLIP's ViT-B/16 with its text backbone, ResNet-50,
bert-base. Change what a recipe needs with `dataclasses.replace`, as in
`replace(VIT[Size.BASE], stride=12, drop_path=0.1)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from glimpse.choices import NonLocalWidth, Size, UnknownCamera
from glimpse.errors import OptionError
from glimpse.models.backbones.bert import BertConfig
from glimpse.models.backbones.resnet import ResNetConfig
from glimpse.models.backbones.text import TextConfig
from glimpse.models.backbones.vit import Flavor, ViT, ViTConfig

VIT: Mapping[Size, ViTConfig] = MappingProxyType(
    {
        Size.MICRO: ViTConfig(image=(64, 32), patch=8, stride=8, width=64, depth=4, heads=4),
        Size.TINY: ViTConfig(image=(128, 64), patch=16, stride=16, width=128, depth=6, heads=4),
        Size.SMALL: ViTConfig(width=384, heads=6),
        Size.BASE: ViTConfig(),
    }
)

_SHARED = MappingProxyType({Size.MICRO: 32, Size.TINY: 128, Size.SMALL: 512, Size.BASE: 512})

CLIP_VIT: Mapping[Size, ViTConfig] = MappingProxyType(
    {
        size: replace(
            config,
            flavor=Flavor.CLIP,
            projection=_SHARED[size],
            # CLIP-ReID's way with cameras (read in the authors' code), in force once `cameras` is set
            camera_weight=1.0,
            camera_on_class_only=True,
        )
        for size, config in VIT.items()
    }
)

# The vocabularies of micro and tiny are those that `train_tokenizer` makes of the world's captions.
CLIP_TEXT: Mapping[Size, TextConfig] = MappingProxyType(
    {
        Size.MICRO: TextConfig(
            vocabulary=1024, context=48, width=64, depth=2, heads=4, projection=_SHARED[Size.MICRO]
        ),
        Size.TINY: TextConfig(
            vocabulary=1024, context=48, width=128, depth=4, heads=4, projection=_SHARED[Size.TINY]
        ),
        Size.SMALL: TextConfig(width=384, heads=6, depth=6),
        Size.BASE: TextConfig(),
    }
)

RESNET: Mapping[Size, ResNetConfig] = MappingProxyType(
    {
        Size.MICRO: ResNetConfig(depths=(1, 1, 1, 1), width=8),
        Size.TINY: ResNetConfig(depths=(1, 1, 2, 1), width=16),
        Size.SMALL: ResNetConfig(depths=(2, 2, 2, 2), width=32),
        Size.BASE: ResNetConfig(),
    }
)

_AGW_BLOCKS = (0, 2, 3, 0)  # given by the source (agw.md, "Network")


def with_non_local(config: ResNetConfig, width: NonLocalWidth) -> ResNetConfig:
    """The shape with AGW's non-local blocks, as far as its stages have bottlenecks for them.

    >>> with_non_local(RESNET[Size.TINY], NonLocalWidth.HALF).non_local
    (0, 1, 2, 0)
    """
    one, two, three, four = (min(pair) for pair in zip(_AGW_BLOCKS, config.depths, strict=True))
    return replace(config, non_local=(one, two, three, four), non_local_width=width)


BERT: Mapping[Size, BertConfig] = MappingProxyType(
    {
        Size.MICRO: BertConfig(vocabulary=1024, context=48, width=64, depth=2, heads=4, hidden=128),
        Size.TINY: BertConfig(vocabulary=1024, context=48, width=128, depth=4, heads=4, hidden=256),
        Size.SMALL: BertConfig(width=384, depth=6, heads=6, hidden=1536),
        Size.BASE: BertConfig(),
    }
)

__all__ = ["BERT", "CLIP_TEXT", "CLIP_VIT", "RESNET", "VIT", "Size"]


def stride_of(sixteenths: int, patch: int) -> int:
    """The stride in pixels of patches of any size, from the published one for patches of 16 pixels.

    >>> [stride_of(12, patch) for patch in (16, 8)]
    [12, 6]
    """
    if not 1 <= sixteenths <= 16:
        raise OptionError(f"a stride is 1 to 16 sixteenths of a patch, got {sixteenths}")
    return max(1, round(sixteenths * patch / 16))


def baseline_vit(
    size: Size,
    image: tuple[int, int],
    cameras: int,
    *,
    stride: int,
    camera_weight: float,
    drop_path: float,
    unknown_camera: UnknownCamera = UnknownCamera.ZERO,
) -> ViT:
    """The backbone that TransReID, DPM and SPT stand on (transreid.md, "Network").

    Args:
        size: of the backbone.
        image: height and width of its input.
        cameras: how many have an embedding.
        stride: of patches, in sixteenths of a patch.
        camera_weight: of the camera embedding.
        drop_path: rate of the last block in training.
        unknown_camera: what stands for other cameras.
    """
    config = VIT[size]
    return ViT(
        replace(
            config,
            image=image,
            stride=stride_of(stride, config.patch),
            drop_path=drop_path,
            cameras=cameras,
            camera_weight=camera_weight,
            unknown_camera=unknown_camera,
        )
    )


def camera_rows_of(backbone: ViT, images: Tensor, cameras: Tensor | None) -> Tensor | None:
    """What the backbone wants to know of the cameras: nothing, or `[B]` with -1 for unknown ones."""
    if backbone.camera_embedding is None:
        return None
    if cameras is None:
        return torch.full((images.shape[0],), -1, device=images.device)
    return cameras
