"""Hand-made checkpoints in each style are read whole and compute what their own networks compute."""

import pytest
import torch
from foreign_checkpoints import (
    bert_forward,
    bert_shapes,
    clip_image_forward,
    clip_image_shapes,
    clip_text_forward,
    clip_text_shapes,
    counted_norm,
    dense,
    draw,
    non_local_forward,
    non_local_shapes,
    norm,
    prefixed,
    stage_shapes,
    stages_forward,
    stem_forward,
    stem_shapes,
    timm_block,
    timm_block_forward,
    timm_forward,
    timm_shapes,
    to_hub_clip,
)
from torch.nn.functional import interpolate, layer_norm

from glimpse.choices import NonLocalWidth, Pool
from glimpse.models.backbones.vit import Flavor
from glimpse.models.weights import MadeFor, detect_style, import_backbones


def imported(path, style, **options):
    """Import, check that nothing is unaccounted for, and give the encoders in evaluation."""
    done = import_backbones(path, **options)
    report = done.report
    assert report.style == style
    assert (report.missing, report.left_over) == ((), ())
    return {modality: backbone.eval() for modality, backbone in done.backbones.items()}, report


def accounted(report, state):
    """Each key of the file is in the report exactly once."""
    keys = [key for key, _ in (*report.used, *report.set_aside)] + list(report.left_over)
    return sorted(keys) == sorted(state)


def test_timm(saved):
    state = draw(timm_shapes(16) | dense("head", 128, 5))
    backbones, report = imported(saved(state), "timm-vit")
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(backbones["image"](images).tokens, timm_forward(state, images, stride=16))
    assert accounted(report, state)
    assert {key for key, _ in report.set_aside} == {"head.weight", "head.bias"}
    config = backbones["image"].config
    assert (config.image, config.stride, config.heads, config.flavor) == ((64, 64), 16, 2, Flavor.IMAGENET)


def test_timm_moved_to_the_grid_of_a_person(saved):
    state = draw(timm_shapes(196))
    backbones, report = imported(saved(state), "timm-vit", image=(256, 128), stride=12)
    assert report.reshaped == ("positions moved from 14x14 to 21x10",)
    places = state["pos_embed"][:, 1:].transpose(1, 2).unflatten(2, (14, 14))
    moved = interpolate(places, (21, 10), mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
    position = torch.cat([state["pos_embed"][:, :1], moved], 1)
    images = torch.randn(1, 3, 256, 128)
    expected = timm_forward(state, images, stride=12, position=position)
    torch.testing.assert_close(backbones["image"](images).tokens, expected)


def test_the_distillation_token_of_deit_goes_with_its_position(saved):
    state = draw(timm_shapes(17) | {"dist_token": (1, 1, 128)} | dense("head_dist", 128, 5))
    backbones, report = imported(saved(state), "timm-vit")
    position = torch.cat([state["pos_embed"][:, :1], state["pos_embed"][:, 2:]], 1)
    images = torch.randn(1, 3, 64, 64)
    expected = timm_forward(state, images, stride=16, position=position)
    torch.testing.assert_close(backbones["image"](images).tokens, expected)
    assert accounted(report, state)


REID_HEADS = {**counted_norm("bottleneck", 128), "classifier.weight": (9, 128)}


@pytest.mark.parametrize(("places", "stride"), [(128, 16), (162, 14), (210, 12), (242, 11)])
def test_transreid_with_cameras_at_its_published_strides(saved, places, stride):
    shapes = prefixed(timm_shapes(places) | {"sie_embed": (6, 1, 128)} | dense("fc", 128, 1000), "base.")
    state = draw(shapes | REID_HEADS)
    backbones, report = imported(saved({f"module.{k}": v for k, v in state.items()}, "t.pth"), "transreid")
    backbone = backbones["image"]
    assert (backbone.config.image, backbone.config.stride) == ((256, 128), stride)
    assert (backbone.config.cameras, backbone.config.camera_weight, backbone.config.camera_on_class_only) == (
        6,
        3,
        False,
    )
    images, side = torch.randn(2, 3, 256, 128), torch.tensor([5, 0])
    plain = {key.removeprefix("base."): value for key, value in state.items()}
    expected = timm_forward(plain, images, stride=stride, side=side)
    torch.testing.assert_close(backbone(images, cameras=side).tokens, expected)
    assert accounted(report, state)


def test_of_jpm_the_global_branch_is_taken(saved):
    branch = timm_block("0.") | norm("1", 128)
    heads = {**counted_norm("bottleneck_1", 128), "classifier_1.weight": (9, 128)}
    shapes = prefixed(timm_shapes(16), "base.") | prefixed(branch, "b1.") | prefixed(branch, "b2.")
    state = draw(shapes | REID_HEADS | heads)
    backbones, report = imported(saved(state), "transreid")
    images = torch.randn(2, 3, 64, 64)
    plain = {key.removeprefix("base."): value for key, value in state.items()}
    trunk = timm_forward(plain, images, stride=16, last=False)
    stream = timm_block_forward(state, "b1.0.", trunk)
    expected = layer_norm(stream, (128,), state["b1.1.weight"], state["b1.1.bias"], 1e-6)
    torch.testing.assert_close(backbones["image"](images).tokens, expected)
    assert accounted(report, state)


def test_dpm(saved):
    mask = {
        "ConvLayer.0.0.weight": (4, 8, 3, 3),
        **counted_norm("ConvLayer.0.1", 4),
        **dense("attfc", 128, 128),
    }
    state = draw(prefixed(timm_shapes(242) | {"sie_embed": (8, 1, 128)} | mask, "base.") | REID_HEADS)
    backbones, report = imported(saved(state), "dpm")
    assert (backbones["image"].grid, backbones["image"].config.cameras) == ((22, 11), 8)
    plain = {key.removeprefix("base."): value for key, value in state.items()}
    images, side = torch.randn(1, 3, 256, 128), torch.tensor([7])
    expected = timm_forward(plain, images, stride=11, side=side)
    torch.testing.assert_close(backbones["image"](images, cameras=side).tokens, expected)
    assert any("mask generator" in reason for _, reason in report.set_aside)
    assert accounted(report, state)


@pytest.fixture
def clip():
    extra = {"logit_scale": (), "input_resolution": (), "context_length": (), "vocab_size": ()}
    return draw(clip_image_shapes("visual.", 4) | clip_text_shapes() | extra)


def check_clip(backbones, state):
    images = torch.randn(2, 3, 32, 32)
    out = backbones["image"](images)
    feature, projected = clip_image_forward(state, images, "visual.")
    torch.testing.assert_close(out.class_token, feature)
    torch.testing.assert_close(out.projected, projected)
    ids, ends = torch.randint(40, (3, 8)), torch.tensor([7, 2, 5])
    expected = clip_text_forward(state, ids, ends)
    torch.testing.assert_close(backbones["text"](ids, ends).projected, expected)


def test_openai_clip(saved, clip):
    backbones, report = imported(saved(clip), "openai-clip")
    check_clip(backbones, clip)
    assert accounted(report, clip)
    assert backbones["image"].config.flavor is Flavor.CLIP


def test_clip_as_the_hub_keeps_it(saved, clip):
    hub = to_hub_clip(clip)
    backbones, report = imported(saved(hub), "hub-clip")
    check_clip(backbones, clip)
    assert accounted(report, hub)


def test_half_precision_weights_become_single(saved, clip):
    half = {key: value.half() for key, value in clip.items()}
    backbones, _ = imported(saved(half), "openai-clip")
    assert {p.dtype for backbone in backbones.values() for p in backbone.parameters()} == {torch.float32}


def test_clip_reid_with_cameras(saved):
    shapes = clip_image_shapes("image_encoder.", 128) | clip_text_shapes("text_encoder.")
    prompts = {"cls_ctx": (9, 4, 64), "token_prefix": (1, 5, 64), "token_suffix": (1, 68, 64)}
    heads = {**counted_norm("bottleneck_proj", 24), "classifier_proj.weight": (9, 24), "cv_embed": (6, 128)}
    state = draw(shapes | prefixed(prompts, "prompt_learner.") | REID_HEADS | heads)
    backbones, report = imported(saved(state), "clip-reid")
    backbone = backbones["image"]
    assert list(backbones) == ["image"]
    assert (backbone.config.camera_weight, backbone.config.camera_on_class_only) == (1, True)
    images, side = torch.randn(2, 3, 256, 128), torch.tensor([0, 5])
    feature, projected = clip_image_forward(state, images, "image_encoder.", side=side)
    out = backbone(images, cameras=side)
    torch.testing.assert_close(out.class_token, feature)
    torch.testing.assert_close(out.projected, projected)
    assert accounted(report, state)


@pytest.mark.parametrize(("ibn", "style"), [(False, "torchvision-resnet"), (True, "ibn-a")])
@pytest.mark.parametrize("prefix", ["", "base."])
def test_residual_networks_alone_and_in_bot(saved, ibn, style, prefix):
    heads = REID_HEADS if prefix else dense("fc", 128, 1000)
    state = draw(stem_shapes(prefix) | stage_shapes(prefix, ibn=ibn) | heads)
    backbones, report = imported(saved(state), style)
    images = torch.randn(2, 3, 64, 32)
    expected = stages_forward(state, stem_forward(state, images, prefix), prefix)
    out = backbones["image"](images)
    torch.testing.assert_close(out.map, expected)
    torch.testing.assert_close(out.feature, expected.mean((2, 3)))
    config = backbones["image"].config
    assert (config.depths, config.width, config.ibn, config.streams) == ((1, 2, 2, 1), 4, ibn, 1)
    assert accounted(report, state)


@pytest.mark.parametrize(("inner", "width"), [(1, NonLocalWidth.ONE), (16, NonLocalWidth.HALF)])
def test_agw(saved, inner, width):
    trunk = stem_shapes() | stage_shapes()
    modules = ("visible_module.visible.", "thermal_module.thermal.", "base_resnet.base.")
    shapes = {name: shape for module in modules for name, shape in prefixed(trunk, module).items()}
    looks = non_local_shapes("NL_2.0", 32, inner) | non_local_shapes("NL_2.1", 32, inner)
    if width is NonLocalWidth.ONE:
        looks |= non_local_shapes("NL_3.0", 64, inner)
    state = draw(shapes | looks | REID_HEADS)
    backbones, report = imported(saved({"net": state, "epoch": 3}, "agw.t"), "agw")
    backbone = backbones["image"]
    assert (backbone.config.streams, backbone.config.pool) == (2, Pool.GENERALIZED_MEAN)
    assert backbone.config.non_local == (0, 2, 1 if width is NonLocalWidth.ONE else 0, 0)
    assert backbone.config.non_local_width is width

    def look(x, stage, number):
        name = {(1, 0): "NL_2.0", (1, 1): "NL_2.1", (2, 1): "NL_3.0"}.get((stage, number))
        return non_local_forward(state, name, x) if f"{name}.g.0.weight" in state else x

    images = torch.randn(2, 3, 64, 32)
    for module, infrared in (("visible_module.visible.", False), ("thermal_module.thermal.", True)):
        stem = stem_forward(state, images, module)
        expected = stages_forward(state, stem, "base_resnet.base.", after=look)
        out = backbone(images, infrared=torch.full((2,), infrared))
        torch.testing.assert_close(out.map, expected)
        torch.testing.assert_close(out.feature, expected.pow(3).mean((2, 3)).pow(1 / 3))
    assert accounted(report, state)


@pytest.mark.parametrize("old_names", [False, True])
def test_bert(saved, old_names):
    state = draw(bert_shapes())
    file = {f"bert.{key}": value for key, value in state.items()}
    if old_names:
        file = {
            key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): value
            for key, value in file.items()
        }
    backbones, report = imported(saved(file), "bert")
    ids, mask = torch.randint(30, (2, 9)), torch.arange(9) < torch.tensor([[9], [4]])
    torch.testing.assert_close(backbones["text"](ids, mask)[mask], bert_forward(state, ids, mask)[mask])
    assert len(report.used) + len(report.set_aside) == len(file)


def test_a_grid_that_nobody_published_must_be_said(saved):
    from glimpse.errors import WeightsError

    path = saved(draw(timm_shapes(30)))
    with pytest.raises(WeightsError, match="30 positions, which is no square and no published grid"):
        import_backbones(path)
    made_for = MadeFor(image=(96, 80))
    assert import_backbones(path, made_for=made_for).backbones["image"].grid == (6, 5)
    with pytest.raises(WeightsError, match="30 positions, but 96x64 with stride 16 has 6x4"):
        import_backbones(path, made_for=MadeFor(image=(96, 64)))


def test_unknown_keys_are_told_to_be_unknown():
    from glimpse.errors import WeightsError

    with pytest.raises(WeightsError, match=r"of no known style \(stem.weight, \.\.\.\)"):
        detect_style({"stem.weight": torch.zeros(1)})
