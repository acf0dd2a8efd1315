"""Backbones: from pixels or tokens to features, in sizes from tests to the published ones.

The names are imported when they are first used, so that what needs no torch (`Size`) costs none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glimpse.choices import Pool, Size
    from glimpse.models.backbones.bert import Bert, BertConfig, FrozenBertText
    from glimpse.models.backbones.pooling import Pooling
    from glimpse.models.backbones.resnet import ResNet, ResNetConfig, ResNetOutput
    from glimpse.models.backbones.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT
    from glimpse.models.backbones.text import TextBackbone, TextConfig, TextOutput
    from glimpse.models.backbones.vit import Flavor, ViT, ViTConfig, ViTOutput

_HOMES = {
    "BERT": "glimpse.models.backbones.sizes",
    "CLIP_TEXT": "glimpse.models.backbones.sizes",
    "CLIP_VIT": "glimpse.models.backbones.sizes",
    "RESNET": "glimpse.models.backbones.sizes",
    "VIT": "glimpse.models.backbones.sizes",
    "Bert": "glimpse.models.backbones.bert",
    "BertConfig": "glimpse.models.backbones.bert",
    "Flavor": "glimpse.models.backbones.vit",
    "FrozenBertText": "glimpse.models.backbones.bert",
    "Pool": "glimpse.choices",
    "Pooling": "glimpse.models.backbones.pooling",
    "ResNet": "glimpse.models.backbones.resnet",
    "ResNetConfig": "glimpse.models.backbones.resnet",
    "ResNetOutput": "glimpse.models.backbones.resnet",
    "Size": "glimpse.choices",
    "TextConfig": "glimpse.models.backbones.text",
    "TextOutput": "glimpse.models.backbones.text",
    "TextBackbone": "glimpse.models.backbones.text",
    "ViT": "glimpse.models.backbones.vit",
    "ViTConfig": "glimpse.models.backbones.vit",
    "ViTOutput": "glimpse.models.backbones.vit",
}

__all__ = [
    "BERT",
    "CLIP_TEXT",
    "CLIP_VIT",
    "RESNET",
    "VIT",
    "Bert",
    "BertConfig",
    "Flavor",
    "FrozenBertText",
    "Pool",
    "Pooling",
    "ResNet",
    "ResNetConfig",
    "ResNetOutput",
    "Size",
    "TextBackbone",
    "TextConfig",
    "TextOutput",
    "ViT",
    "ViTConfig",
    "ViTOutput",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glimpse.models.backbones' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
