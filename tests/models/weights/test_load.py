"""Filling a backbone: complete, or refused with the names, and then nothing has changed."""

from dataclasses import replace

import pytest
import torch
from foreign_checkpoints import (
    clip_image_shapes,
    clip_text_shapes,
    dense,
    draw,
    stage_shapes,
    stem_shapes,
    timm_shapes,
)
from safetensors.torch import save_file

from glimpse.errors import WeightsError
from glimpse.models.backbones.bert import BertConfig
from glimpse.models.backbones.position import resize_position
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.backbones.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT, Size
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import Flavor, ViT, ViTConfig
from glimpse.models.weights import (
    build,
    config_from_json,
    config_to_json,
    import_backbones,
    load_backbone,
    load_weights,
    save_backbone,
)

SMALL = ViTConfig(image=(64, 64), width=128, depth=3, heads=2, mlp_ratio=2)
NARROW = ResNetConfig(depths=(1, 2, 2, 1), width=4)


def copied(backbone):
    return {name: value.clone() for name, value in backbone.state_dict().items()}


def unchanged(backbone, before):
    return all(value.equal(before[name]) for name, value in backbone.state_dict().items())


@pytest.fixture
def state():
    return draw(timm_shapes(16))


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


def test_a_head_is_set_aside_with_its_reason(saved, state):
    report = load_weights(ViT(SMALL), saved(state | draw(dense("head", 128, 7))))
    assert set(report.set_aside) == {("head.weight", "a classifier"), ("head.bias", "a classifier")}
    assert "set aside: 2 tensors, a classifier" in report.lines()
    assert len(report.used) == len(state)


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


def test_flavors_do_not_mix(saved, state):
    clip = ViT(replace(SMALL, flavor=Flavor.CLIP))
    with pytest.raises(WeightsError, match=r"missing image\.norm_before"):
        load_weights(clip, saved(state))


def test_two_keys_for_one_name_are_not_merged_in_silence(saved):
    state = draw(stem_shapes() | stage_shapes())
    state["base.conv1.weight"] = state["conv1.weight"] + 1
    with pytest.raises(WeightsError, match=r"left over (base\.)?conv1\.weight;"):
        load_weights(ResNet(NARROW), saved(state))


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


def test_each_backbone_takes_its_own(saved):
    state = draw(clip_image_shapes("visual.", 4) | clip_text_shapes())
    path = saved(state)
    text = TextBackbone(import_backbones(path).backbones["text"].config)
    report = load_weights(text, path)
    assert text.words.weight.equal(state["token_embedding.weight"])
    assert {reason for _, reason in report.set_aside} == {"the other backbone"}
    with pytest.raises(WeightsError, match="has no weights for a resnet backbone"):
        load_weights(ResNet(NARROW), path)


CONFIGS = [
    VIT[Size.MICRO],
    replace(CLIP_VIT[Size.MICRO], cameras=3),
    replace(RESNET[Size.MICRO], ibn=True, streams=2, non_local=(0, 1, 1, 0)),
    CLIP_TEXT[Size.MICRO],
    BERT[Size.MICRO],
]


@pytest.mark.parametrize("config", CONFIGS)
def test_our_own_files_come_back_to_the_bit(tmp_path, config):
    backbone = build(config)
    save_backbone(backbone, tmp_path / "backbone.safetensors")
    again = load_backbone(tmp_path / "backbone.safetensors")
    assert again.config == config
    assert unchanged(again, copied(backbone))
    assert config_from_json(config_to_json(config)) == config


def test_our_own_files_are_written_alike_twice(tmp_path):
    backbone = build(VIT[Size.MICRO])
    for name in "ab":
        save_backbone(backbone, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_our_own_file_at_another_image_size(tmp_path):
    backbone = build(VIT[Size.MICRO])
    save_backbone(backbone, tmp_path / "backbone.safetensors")
    wide = load_backbone(tmp_path / "backbone.safetensors", image=(64, 64), stride=4)
    assert wide.grid == (15, 15)
    assert wide.position.equal(resize_position(backbone.position.detach(), (8, 4), (15, 15)))
    report = load_weights(ViT(replace(VIT[Size.MICRO], stride=4)), tmp_path / "backbone.safetensors")
    assert (report.style, len(report.reshaped)) == ("glimpse", 1)


def test_our_own_file_of_another_family_is_refused(tmp_path):
    save_backbone(build(RESNET[Size.MICRO]), tmp_path / "backbone.safetensors")
    with pytest.raises(WeightsError, match=r"missing image\.class_token"):
        load_weights(ViT(SMALL), tmp_path / "backbone.safetensors")


@pytest.mark.parametrize(
    "header", ["no json", "[]", '{"family": "vit", "image": 3}', '{"family": "vit", "flavor": "x"}']
)
def test_a_damaged_header_is_refused(tmp_path, header):
    save_file({"a": torch.ones(1)}, tmp_path / "backbone.safetensors", {"glimpse": header})
    with pytest.raises(WeightsError, match="header"):
        load_backbone(tmp_path / "backbone.safetensors")


def test_a_foreign_file_is_no_backbone_of_ours(saved, state):
    with pytest.raises(WeightsError, match="bring it in with import-weights"):
        load_backbone(saved(state))


@pytest.mark.parametrize("values", [{"family": "mlp"}, {}, {"family": "vit", "color": 3}])
def test_unknown_configs_are_refused(values):
    with pytest.raises(WeightsError):
        config_from_json(values)


def test_config_classes_differ_by_family():
    assert isinstance(config_from_json({"family": "bert", "depth": 2}), BertConfig)
