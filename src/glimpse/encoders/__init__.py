"""Encoders: from pixels or tokens to features, in sizes from tests to the published ones."""

from glimpse.encoders.bert import Bert, BertConfig, FrozenBertText
from glimpse.encoders.pooling import Pool, Pooling
from glimpse.encoders.resnet import ResNet, ResNetConfig, ResNetOutput
from glimpse.encoders.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT, Size
from glimpse.encoders.text import TextConfig, TextOutput, TextTower
from glimpse.encoders.vit import Flavour, ViT, ViTConfig, ViTOutput

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
