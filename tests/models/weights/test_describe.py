"""The shape of a network from its weights: what is built from it takes them whole."""

import pytest
import torch

from glimpse.choices import NonLocalWidth, Pool, Size
from glimpse.errors import GlimpseError, WeightsError
from glimpse.models.backbones.bert import Bert, BertConfig
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.backbones.sizes import CLIP_TEXT, CLIP_VIT
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import Flavor, ViT, ViTConfig
from glimpse.models.weights import import_backbones
from glimpse.models.weights.describe import bert_config, resnet_config, text_config, vit_config


@pytest.mark.parametrize(
    "config",
    [
        ViTConfig(image=(64, 64), width=128, depth=3, heads=2, mlp_ratio=2),
        ViTConfig(image=(256, 128), stride=12, width=64, depth=1, heads=1, cameras=6),
        ViTConfig(image=(384, 128), width=64, depth=1, heads=1),
    ],
)
def test_a_vision_transformer(config):
    assert vit_config(ViT(config).state_dict()) == config


def test_a_clip_image_backbone_is_known_by_its_first_norm():
    config = CLIP_VIT[Size.MICRO]
    found = vit_config(ViT(config).state_dict(), image=config.image, stride=config.stride, heads=config.heads)
    assert (found.flavor, found.projection, found.depth) == (Flavor.CLIP, config.projection, config.depth)


def test_positions_of_no_known_grid_must_be_said():
    config = ViTConfig(image=(80, 48), width=64, depth=1, heads=1)
    state = ViT(config).state_dict()
    with pytest.raises(WeightsError, match="15 positions, which is no square and no published grid"):
        vit_config(state)
    assert vit_config(state, image=(80, 48), stride=16) == config
    with pytest.raises(WeightsError, match="but 96x48 with stride 16 has 6x3"):
        vit_config(state, image=(96, 48), stride=16)


def test_text_backbones():
    text = CLIP_TEXT[Size.MICRO]
    found = text_config(TextBackbone(text).state_dict())
    assert (found.vocabulary, found.context, found.depth) == (text.vocabulary, text.context, text.depth)
    bert = BertConfig(vocabulary=30, context=8, width=64, depth=2, heads=1, hidden=96)
    assert bert_config(Bert(bert).state_dict()) == bert


@pytest.mark.parametrize(
    "config",
    [
        ResNetConfig(depths=(1, 2, 2, 1), width=4),
        ResNetConfig(depths=(1, 1, 1, 1), width=4, ibn=True, streams=2),
        ResNetConfig(depths=(1, 2, 2, 1), width=4, non_local=(0, 1, 1, 0), non_local_width=NonLocalWidth.ONE),
    ],
)
def test_a_residual_network(config):
    assert resnet_config(ResNet(config).state_dict(), pool=config.pool) == config
    assert resnet_config(ResNet(config).state_dict(), pool=Pool.MAX).pool is Pool.MAX


def test_weights_without_what_tells_the_shape_are_refused():
    with pytest.raises(WeightsError, match="lack class_token, without which their shape is unknown"):
        vit_config({})


@pytest.mark.parametrize(
    ("key", "number"),
    [("blocks.1.", "99999999"), ("blocks.1.", "9" * 5000), ("blocks.2.", "3")],
    ids=["large", "longest", "gap"],
)
def test_a_block_of_any_number_is_refused_and_none_is_built_for_it(saved, state, key, number):
    state[f"blocks.{number}.norm1.weight"] = state.pop(f"{key}norm1.weight")
    with pytest.raises(WeightsError, match=r"but only \d of its kind|missing image"):
        import_backbones(saved(state))


@pytest.mark.parametrize("shape", [(), (0,), (0, 128), (1, 17, 0), (3,), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize(
    "key", ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight"]
)
def test_any_shape_is_a_sentence(saved, state, key, shape):
    state[key] = torch.zeros(shape)
    with pytest.raises(WeightsError) as caught:
        import_backbones(saved(state))
    assert "\n" not in str(caught.value)


def test_an_image_that_nobody_can_see_at_once_is_refused(saved, state):
    with pytest.raises(GlimpseError, match="at most 65536 patches"):
        import_backbones(saved(state), image=(100_000, 100_000), stride=1)


def test_there_is_no_memory_for_what_a_few_tensors_describe(saved, state):
    """A network a million wide has terabytes; what says so is 12 MB."""
    state["cls_token"] = torch.zeros(10**6)
    with pytest.raises(WeightsError, match=r"must be \[.*1000000.*\], the weights have"):
        import_backbones(saved(state))
