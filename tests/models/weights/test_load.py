"""Filling a backbone: complete, or refused with the names, and then nothing has changed."""

from dataclasses import replace

import pytest
from foreign_checkpoints import (
    NARROW,
    SMALL,
    clip_image_shapes,
    clip_text_shapes,
    draw,
)

from glimpse.errors import WeightsError
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import Flavor, ViT
from glimpse.models.weights import (
    import_backbones,
    load_weights,
)


def test_flavors_do_not_mix(saved, state):
    clip = ViT(replace(SMALL, flavor=Flavor.CLIP))
    with pytest.raises(WeightsError, match=r"missing image\.norm_before"):
        load_weights(clip, saved(state))


def test_each_backbone_takes_its_own(saved):
    state = draw(clip_image_shapes("visual.", 4) | clip_text_shapes())
    path = saved(state)
    text = TextBackbone(import_backbones(path).backbones["text"].config)
    report = load_weights(text, path)
    assert text.words.weight.equal(state["token_embedding.weight"])
    assert {reason for _, reason in report.set_aside} == {"the other backbone"}
    with pytest.raises(WeightsError, match="has no weights for a resnet backbone"):
        load_weights(ResNet(NARROW), path)
