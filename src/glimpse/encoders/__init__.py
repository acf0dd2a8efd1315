"""Encoders: from pixels or tokens to features, in sizes from tests to the published ones.

The names are imported when they are first used, so that what needs no torch (`Size`) costs none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glimpse.encoders.bert import Bert, BertConfig, FrozenBertText
    from glimpse.encoders.pooling import Pool, Pooling
    from glimpse.encoders.resnet import ResNet, ResNetConfig, ResNetOutput
    from glimpse.encoders.size import Size
    from glimpse.encoders.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT
    from glimpse.encoders.text import TextConfig, TextOutput, TextTower
    from glimpse.encoders.vit import Flavour, ViT, ViTConfig, ViTOutput

_HOMES = {
    "BERT": "glimpse.encoders.sizes",
    "CLIP_TEXT": "glimpse.encoders.sizes",
    "CLIP_VIT": "glimpse.encoders.sizes",
    "RESNET": "glimpse.encoders.sizes",
    "VIT": "glimpse.encoders.sizes",
    "Bert": "glimpse.encoders.bert",
    "BertConfig": "glimpse.encoders.bert",
    "Flavour": "glimpse.encoders.vit",
    "FrozenBertText": "glimpse.encoders.bert",
    "Pool": "glimpse.encoders.pooling",
    "Pooling": "glimpse.encoders.pooling",
    "ResNet": "glimpse.encoders.resnet",
    "ResNetConfig": "glimpse.encoders.resnet",
    "ResNetOutput": "glimpse.encoders.resnet",
    "Size": "glimpse.encoders.size",
    "TextConfig": "glimpse.encoders.text",
    "TextOutput": "glimpse.encoders.text",
    "TextTower": "glimpse.encoders.text",
    "ViT": "glimpse.encoders.vit",
    "ViTConfig": "glimpse.encoders.vit",
    "ViTOutput": "glimpse.encoders.vit",
}

__all__ = [
    "BERT",
    "CLIP_TEXT",
    "CLIP_VIT",
    "RESNET",
    "VIT",
    "Bert",
    "BertConfig",
    "Flavour",
    "FrozenBertText",
    "Pool",
    "Pooling",
    "ResNet",
    "ResNetConfig",
    "ResNetOutput",
    "Size",
    "TextConfig",
    "TextOutput",
    "TextTower",
    "ViT",
    "ViTConfig",
    "ViTOutput",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glimpse.encoders' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
