from dataclasses import replace

import pytest
import torch

from glimpse.models.backbones.bert import Bert
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.backbones.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT, Size
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViT, ViTConfig


def parameters(network_of, config):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in network_of(config).parameters())


def at_224(config):
    return replace(config, image=(224, 224))


@pytest.mark.parametrize(
    ("network", "config", "count"),
    [
        # published counts, without the classifier: ViT-B/16 86,567,656 less 769,000; DeiT-S 22,050,664
        # less 385,000; ResNet-50 25,557,032 less 2,049,000; bert-base 109,482,240 less the pooler's 590,592;
        # CLIP ViT-B/16 149,620,737, of which the image backbone, the text backbone and one temperature
        (ViT, at_224(VIT[Size.BASE]), 86_567_656 - 769_000),
        (ViT, at_224(VIT[Size.SMALL]), 22_050_664 - 385_000),
        (ViT, at_224(CLIP_VIT[Size.BASE]), 86_192_640),
        (TextBackbone, CLIP_TEXT[Size.BASE], 149_620_737 - 86_192_640 - 1),
        (ResNet, RESNET[Size.BASE], 25_557_032 - 2_049_000),
        (ResNet, ResNetConfig(ibn=True), 25_557_032 - 2_049_000),
        (Bert, BERT[Size.BASE], 109_482_240 - 590_592),
    ],
)
def test_published_parameter_counts(network, config, count):
    assert parameters(network, config) == count


def test_base_has_the_published_shape():
    assert VIT[Size.BASE] == ViTConfig(
        image=(256, 128), patch=16, stride=16, width=768, depth=12, heads=12, mlp_ratio=4.0
    )
    assert CLIP_VIT[Size.BASE].projection == CLIP_TEXT[Size.BASE].projection == 512


@pytest.mark.parametrize("size", Size)
def test_the_two_towers_of_clip_meet_in_one_space(size):
    assert CLIP_VIT[size].projection == CLIP_TEXT[size].projection


@pytest.mark.parametrize(
    ("network", "table"),
    [(ViT, VIT), (ViT, CLIP_VIT), (TextBackbone, CLIP_TEXT), (ResNet, RESNET), (Bert, BERT)],
)
def test_each_size_is_larger_than_the_one_before(network, table):
    counts = [parameters(network, table[size]) for size in Size]
    assert counts == sorted(counts)
    assert counts[0] < 300_000
    assert counts[1] < 3_000_000


def test_micro_and_tiny_weights_fit_into_25_megabytes():
    tables = [(ViT, VIT), (ViT, CLIP_VIT), (TextBackbone, CLIP_TEXT), (ResNet, RESNET)]
    total = sum(parameters(net, table[size]) for net, table in tables for size in (Size.MICRO, Size.TINY))
    assert total * 4 < 25e6  # in single precision
