"""Weights fit the network whole, or are refused."""

from dataclasses import replace

import pytest
import torch
from foreign_checkpoints import (
    NARROW,
    SMALL,
    copied,
    draw,
    stage_shapes,
    stem_shapes,
    unchanged,
)

from glimpse.errors import WeightsError
from glimpse.models.backbones.position import resize_position
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.vit import ViT
from glimpse.models.weights import import_backbones, load_weights


@pytest.mark.parametrize("lost", ["cls_token", "blocks.1.attn.qkv.bias", "norm.weight"])
def test_a_missing_tensor_is_refused_and_named(saved, state, lost):
    del state[lost]
    backbone = ViT(SMALL)
    before = copied(backbone)
    with pytest.raises(WeightsError, match=r"missing image\.[\w.]+; left over nothing|lack class_token"):
        load_weights(backbone, saved(state))
    assert unchanged(backbone, before)


@pytest.mark.parametrize(
    "stranger", ["blocks.0.ls1.gamma", "norm_pre.weight", "blocks.3.norm1.weight", "fc_norm.bias"]
)
def test_a_left_over_tensor_is_refused_and_named(saved, state, stranger):
    backbone = ViT(SMALL)
    before = copied(backbone)
    path = saved({**state, stranger: torch.ones(128)})
    with pytest.raises(WeightsError, match=f"left over {stranger}"):
        load_weights(backbone, path)
    assert unchanged(backbone, before)
    report = load_weights(backbone, path, allow_left_over=[stranger])
    assert report.left_over == (stranger,)
    assert not unchanged(backbone, before)


def test_new_parts_must_be_allowed_by_name(saved, state):
    backbone = ViT(replace(SMALL, cameras=6))
    table = backbone.camera_embedding.table.clone()
    path = saved(state)
    with pytest.raises(WeightsError, match=r"missing image\.camera_embedding\.table"):
        load_weights(backbone, path)
    with pytest.raises(WeightsError, match=r"missing image\.camera_embedding\.table"):
        load_weights(backbone, path, new_parts=["non_local", "camera"])
    report = load_weights(backbone, path, new_parts=["camera_embedding"])
    assert report.missing == ("image.camera_embedding.table",)
    assert backbone.camera_embedding.table.equal(table)


def test_a_new_part_is_new_as_a_whole(saved, state):
    del state["blocks.2.norm1.bias"]
    backbone = ViT(SMALL)
    before = copied(backbone)
    with pytest.raises(WeightsError, match=r"missing image\.blocks\.2\.norm1\.bias; left over nothing"):
        load_weights(backbone, saved(state), new_parts=["blocks.2"])
    assert unchanged(backbone, before)
    without = {key: value for key, value in state.items() if not key.startswith("blocks.2.")}
    report = load_weights(backbone, saved(without), new_parts=["blocks.2"])
    assert len(report.missing) == 12
    assert all(name.startswith("image.blocks.2.") for name in report.missing)
    assert backbone.blocks[2].mlp.up.weight.equal(before["blocks.2.mlp.up.weight"])
    assert backbone.blocks[1].mlp.up.weight.equal(state["blocks.1.mlp.fc1.weight"])


def test_another_shape_is_refused(saved, state):
    with pytest.raises(WeightsError, match=r"class_token must be \[64\], the weights have \[128\]"):
        load_weights(ViT(replace(SMALL, width=64)), saved(state))
    with pytest.raises(WeightsError, match=r"missing image\.blocks\.3\.norm1\.weight"):
        load_weights(ViT(replace(SMALL, depth=4)), saved(state))
    with pytest.raises(WeightsError, match=r"left over blocks\.2\."):
        load_weights(ViT(replace(SMALL, depth=2)), saved(state))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(saved, state, value):
    state["norm.bias"][3] = value
    with pytest.raises(WeightsError, match=r"norm\.bias holds values that are not finite"):
        load_weights(ViT(SMALL), saved(state))


def test_positions_move_to_the_network_s_grid(saved, state):
    backbone = ViT(replace(SMALL, image=(64, 32), stride=8))
    report = load_weights(backbone, saved(state))
    assert report.reshaped == ("positions moved from 4x4 to 7x3",)
    assert backbone.position.equal(resize_position(state["pos_embed"][0], (4, 4), (7, 3)))


def test_one_stem_fills_both_streams(saved):
    state = draw(stem_shapes() | stage_shapes())
    backbone = ResNet(replace(NARROW, streams=2, non_local=(0, 1, 0, 0)))
    report = load_weights(backbone, saved(state), new_parts=["non_local"])
    assert report.reshaped == ("the stem copied to the second stream",)
    for stem in backbone.stems:
        assert stem.conv.weight.equal(state["conv1.weight"])
        assert stem.norm.running_var.equal(state["bn1.running_var"])


def test_one_part_fills_several_unless_they_have_weights_of_their_own(saved, state):
    del state["blocks.2.norm1.bias"]
    backbone = ViT(replace(SMALL, depth=4))
    lost = [key for key in state if key.startswith("blocks.2.")]
    path = saved({key: value for key, value in state.items() if key not in lost})
    copies = {"blocks.1": ("blocks.0", "blocks.1", "blocks.2", "blocks.3")}
    report = load_weights(backbone, path, copies=copies)
    assert (report.missing, report.left_over) == ((), ())
    for number, source in enumerate((0, 1, 1, 1)):
        assert backbone.blocks[number].mlp.up.weight.equal(state[f"blocks.{source}.mlp.fc1.weight"])
    # what is copied away is no longer where it was
    with pytest.raises(WeightsError, match=r"missing image\.blocks\.1\."):
        load_weights(ViT(SMALL), path, copies={"blocks.1": ("blocks.2",)})


def test_counters_of_norms_may_be_absent(saved):
    state = draw(stem_shapes() | stage_shapes())
    without = {key: value for key, value in state.items() if "num_batches" not in key}
    report = load_weights(ResNet(NARROW), saved(without))
    assert (report.missing, report.left_over) == ((), ())


@pytest.mark.parametrize("dtype", [torch.complex64, torch.bool, torch.int32])
def test_weights_that_are_no_floats_are_refused(saved, state, dtype, recwarn):
    state["blocks.0.mlp.fc1.weight"] = state["blocks.0.mlp.fc1.weight"].to(dtype)
    backbone = ViT(SMALL)
    before = copied(backbone)
    recwarn.clear()
    path = saved(state)
    sentence = f"must be of float32 or another float, the weights have {str(dtype)[6:]}"
    for load in (import_backbones, lambda file: load_weights(backbone, file)):
        with pytest.raises(WeightsError, match=sentence):
            load(path)
    assert unchanged(backbone, before)
    assert not recwarn.list
