"""The sizes that encoders come in, from tests to the published shapes.

`micro` and `tiny` are our choice, for CPUs: `micro` trains in seconds, `tiny` in minutes, and the weights
of both together stay below 25 MB. `small` and
`base` are published shapes: DeiT-S and ViT-B/16, CLIP's ViT-B/16 with its text tower, ResNet-50,
bert-base. Change what a recipe needs with `dataclasses.replace`, as in
`replace(VIT[Size.BASE], stride=12, drop_path=0.1)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from glimpse.encoders.bert import BertConfig
from glimpse.encoders.resnet import ResNetConfig
from glimpse.encoders.size import Size
from glimpse.encoders.text import TextConfig
from glimpse.encoders.vit import Flavour, ViTConfig

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
            flavour=Flavour.CLIP,
            projection=_SHARED[size],
            # CLIP-ReID's way with cameras (read in the authors' code), in force once `sides` is set
            side_weight=1.0,
            side_on_class_only=True,
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

BERT: Mapping[Size, BertConfig] = MappingProxyType(
    {
        Size.MICRO: BertConfig(vocabulary=1024, context=48, width=64, depth=2, heads=4, hidden=128),
        Size.TINY: BertConfig(vocabulary=1024, context=48, width=128, depth=4, heads=4, hidden=256),
        Size.SMALL: BertConfig(width=384, depth=6, heads=6, hidden=1536),
        Size.BASE: BertConfig(),
    }
)

__all__ = ["BERT", "CLIP_TEXT", "CLIP_VIT", "RESNET", "VIT", "Size"]
