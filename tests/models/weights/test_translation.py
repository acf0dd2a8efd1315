"""Foreign names become ours."""

import pytest
from foreign_checkpoints import (
    NARROW,
    SMALL,
    dense,
    draw,
    stage_shapes,
    stem_shapes,
)

from glimpse.errors import WeightsError
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.vit import ViT
from glimpse.models.weights import (
    load_weights,
)


def test_a_head_is_set_aside_with_its_reason(saved, state):
    report = load_weights(ViT(SMALL), saved(state | draw(dense("head", 128, 7))))
    assert set(report.set_aside) == {("head.weight", "a classifier"), ("head.bias", "a classifier")}
    assert "set aside: 2 tensors, a classifier" in report.lines()
    assert len(report.used) == len(state)


def test_two_keys_for_one_name_are_not_merged_in_silence(saved):
    state = draw(stem_shapes() | stage_shapes())
    state["base.conv1.weight"] = state["conv1.weight"] + 1
    with pytest.raises(WeightsError, match=r"left over (base\.)?conv1\.weight;"):
        load_weights(ResNet(NARROW), saved(state))
