"""Our own files of a backbone."""

import json
from dataclasses import replace

import pytest
import torch
from foreign_checkpoints import (
    SMALL,
    copied,
    unchanged,
)
from safetensors.torch import save_file

from glimpse.errors import GlimpseError, WeightsError
from glimpse.models.backbones.bert import BertConfig
from glimpse.models.backbones.position import resize_position
from glimpse.models.backbones.sizes import BERT, CLIP_TEXT, CLIP_VIT, RESNET, VIT, Size
from glimpse.models.backbones.vit import ViT
from glimpse.models.weights import (
    build,
    config_from_json,
    config_to_json,
    load_backbone,
    load_weights,
    save_backbone,
)

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


@pytest.mark.parametrize(
    "changes",
    [{"depth": 10**9}, {"width": 10**9}, {"image": [10**9, 64]}, {"heads": -1}, {"mlp_ratio": 1e300}],
)
def test_a_header_of_impossible_numbers_is_one_sentence(tmp_path, changes):
    described = config_to_json(SMALL) | changes
    with pytest.raises(WeightsError, match="the header describes no backbone"):
        config_from_json(described)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 2**19}, ""),
        ({"heads": 0}, ""),
        ({"patch": 0}, ""),
        ({"depth": 900}, "describes 900 blocks, but holds"),
    ],
)
def test_a_header_that_is_not_the_weights_is_one_sentence(tmp_path, changes, sentence):
    path = tmp_path / "a.safetensors"
    header = json.dumps(config_to_json(SMALL) | changes)
    save_file(dict(ViT(SMALL).state_dict()), path, {"glimpse": header})
    with pytest.raises(GlimpseError, match=sentence):
        load_backbone(path)
