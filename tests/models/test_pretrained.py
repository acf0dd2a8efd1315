from dataclasses import replace

import pytest
import torch
from foreign_checkpoints import clip_image_shapes, clip_text_shapes, draw

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.fit import fit
from glimpse.methods.prepare import prepare
from glimpse.models import pretrained as start
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.sizes import RESNET
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.models.pretrained import load_pretrained, start_of, starting_folder
from glimpse.models.storage import load_network, save_network
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.models.weights import build, import_backbones, save_backbone
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.recipes.dpm import DpmRecipe
from glimpse.recipes.dpmpp import IMAGENET, DpmppRecipe
from glimpse.recipes.groups import SamplerRecipe, scaled
from glimpse.recipes.presets import world_recipe
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.registry import recipe_of, trained_methods
from glimpse.records import Records


def saved(folder, method="transreid", image=(64, 32), **options):
    card = NetworkCard(method, Size.MICRO, image, options=options)
    network = build_network(card)
    save_network(folder, card, network.state_dict())
    return network


def test_an_backbone_starts_with_positions_of_its_own_grid_and_its_own_cameras(tmp_path):
    source = saved(tmp_path, stride=16)
    target = TransReIDNetwork(Size.MICRO, (64, 32), 3, TransReIDOptions(stride=12, jigsaw=True))
    cameras = target.backbone.camera_embedding.table.clone()
    load_pretrained(tmp_path, "backbone", target.backbone)
    torch.testing.assert_close(
        target.backbone.blocks[2].mlp.up.weight, source.backbone.blocks[2].mlp.up.weight
    )
    torch.testing.assert_close(target.backbone.position[0], source.backbone.position[0])
    assert target.backbone.position.shape == (1 + 10 * 5, 64)
    torch.testing.assert_close(target.backbone.camera_embedding.table, cameras)
    target.local.follow(target.backbone)
    torch.testing.assert_close(target.local.block.mlp.up.weight, source.backbone.blocks[-1].mlp.up.weight)


def test_an_backbone_of_another_kind_or_shape_is_refused(tmp_path):
    saved(tmp_path / "vit")
    saved(tmp_path / "ibn", "bot", ibn=True)
    network = BoTNetwork(Size.MICRO, BoTOptions())
    with pytest.raises(
        OptionError, match=r"the backbone of the network in .*vit is a ViT, and a ResNet is needed"
    ):
        load_pretrained(tmp_path / "vit", "backbone", network.backbone)
    with pytest.raises(OptionError, match=r"does not fit: stages\S+\.norm1\.bias is missing$"):
        load_pretrained(tmp_path / "ibn", "backbone", network.backbone)
    other = ResNet(replace(RESNET[Size.MICRO], width=16, ibn=True))
    with pytest.raises(
        OptionError, match=r"does not fit: \S+ has another shape, \[\d.*\] instead of \[\d.*\]$"
    ):
        load_pretrained(tmp_path / "ibn", "backbone", other)
    with pytest.raises(OptionError, match=r"does not fit: blocks\.4\.\S+ is missing$"):
        load_pretrained(
            tmp_path / "vit",
            "backbone",
            TransReIDNetwork(Size.TINY, (128, 64), 0, TransReIDOptions()).backbone,
        )
    with pytest.raises(OptionError, match="has no images to start from"):
        load_pretrained(tmp_path / "vit", "images", network.backbone)


def test_auto_takes_shipped_weights_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "files", lambda package: tmp_path)
    (tmp_path / "weights" / "vit-micro").mkdir(parents=True)
    assert starting_folder("auto", "vit", Size.MICRO) == tmp_path / "weights" / "vit-micro"
    with pytest.raises(OptionError, match="no weights for a vit backbone of size tiny"):
        starting_folder("auto", "vit", Size.TINY)
    assert starting_folder("none", "vit", Size.MICRO) is None


def test_weights_lie_where_they_are_said_to(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(OptionError, match="there are no weights to start from at"):
            starting_folder(str(path), "vit", Size.MICRO)
    for name in ("imported/image.safetensors", "run/network.json", "file.pth"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        found = path if path.suffix == ".pth" else path.parent
        assert starting_folder(str(found), "vit", Size.MICRO) == found


@pytest.mark.parametrize("method", trained_methods())
def test_every_method_starts_from_what_is_shipped_for_its_size_or_says_how_to_get_weights(method):
    recipe = recipe_of(method)
    for size in (Size.MICRO, Size.TINY):
        kind = {
            "bot": "resnet",
            "mos": "resnet",
            "agw": "resnet",
            "sim": "resnet",
            "clip-reid": "clip",
            "dpm++": "clip",
        }.get(method, "vit")
        assert start_of(scaled(recipe, size)) == f"the weights in {kind}-{size.value}"
        assert start_of(world_recipe(method, size)) == f"the weights in {kind}-{size.value}"
    for size in (Size.SMALL, Size.BASE):
        with pytest.raises(OptionError, match=r"`--set weights=none`$") as caught:
            start_of(scaled(recipe, size))
        assert "`glimpse " in str(caught.value)
        assert start_of(replace(scaled(recipe, size), weights="none")) == "random weights"


@pytest.mark.parametrize(
    ("recipe", "command"),
    [
        (BoTRecipe(), "import-weights timm/resnet50.tv_in1k --out weights/resnet"),
        (BoTRecipe(ibn=True), "import-weights resnet50_ibn_a-d9d0bb7b.pth --out weights/resnet-ibn"),
        (DpmRecipe(), "import-weights timm/vit_base_patch16_224.orig_in21k_ft_in1k --out weights/vit"),
        (DpmppRecipe(), "import-weights openai/clip-vit-base-patch16 --out weights/clip"),
        (with_settings(DpmppRecipe(), IMAGENET), "import-weights timm/vit_base_patch16_224.orig_in21k"),
        (scaled(DpmRecipe(), Size.SMALL), "import-weights timm/deit_small_patch16_224.fb_in1k"),
        (scaled(BoTRecipe(), Size.SMALL), "pretrain resnet --size small --out runs/resnet-small"),
        (scaled(BoTRecipe(ibn=True), Size.TINY), "pretrain resnet --set ibn=true --size tiny"),
        (scaled(ClipReIDRecipe(), Size.SMALL), "pretrain clip --size small --out runs/clip-small"),
    ],
)
def test_the_way_to_weights_is_the_one_that_fits_the_backbone(recipe, command):
    with pytest.raises(OptionError) as caught:
        start_of(recipe)
    assert f"`glimpse {command}" in str(caught.value)
    folder = str(caught.value).partition("--out ")[2].partition("`")[0]
    assert f"`--set weights={folder}" in str(caught.value)


def test_a_recipe_that_says_nothing_of_a_start_is_left_alone():
    assert start_of(SamplerRecipe()) is None


def test_new_parts_stay_as_they_are_and_everything_else_is_strict(tmp_path):
    saved(tmp_path, "bot")
    target = ResNet(replace(RESNET[Size.MICRO], streams=2, non_local=(0, 1, 0, 0)))
    before = {name: value.clone() for name, value in target.state_dict().items()}
    copies = {"stems.0": ("stems.0", "stems.1")}
    for given, missing in (
        ({}, r"non_local\.1\.0\.\S+ is missing"),
        ({"new_parts": ["non_local"]}, r"stems\.1\.conv\.weight is missing"),
        ({"new_parts": ["non", "stems.1"]}, r"non_local\.1\.0\.\S+ is missing"),
        ({"copies": copies}, r"non_local\.1\.0\.\S+ is missing"),
        ({"new_parts": ["non_local"], "copies": {"stems.0": ("stems.2",)}}, "stems.0.conv.weight is missing"),
    ):
        with pytest.raises(OptionError, match=missing):
            load_pretrained(tmp_path, "backbone", target, **given)
        assert all(value.equal(before[name]) for name, value in target.state_dict().items())
    load_pretrained(tmp_path, "backbone", target, new_parts=["non_local"], copies=copies)
    source = load_network(tmp_path)[1].backbone
    for stem in target.stems:
        assert stem.conv.weight.equal(source.stems[0].conv.weight)
        assert stem.norm.running_var.equal(source.stems[0].norm.running_var)
    assert target.stages[0][0].conv1.weight.equal(source.stages[0][0].conv1.weight)
    for name, value in target.state_dict().items():
        assert not name.startswith("non_local.") or value.equal(before[name])


def test_a_second_stem_may_be_new(tmp_path):
    saved(tmp_path, "bot")
    target = ResNet(replace(RESNET[Size.MICRO], streams=2))
    kept = target.stems[1].conv.weight.clone()
    load_pretrained(tmp_path, "backbone", target, new_parts=["stems.1"])
    assert target.stems[1].conv.weight.equal(kept)
    assert not target.stems[0].conv.weight.equal(kept)


def test_stems_that_the_start_has_are_not_copied_over(tmp_path):
    source = ResNet(replace(RESNET[Size.MICRO], streams=2))
    save_backbone(source, tmp_path / "image.safetensors")
    target = ResNet(replace(RESNET[Size.MICRO], streams=2, non_local=(0, 0, 1, 0)))
    copies = {"stems.0": ("stems.0", "stems.1")}
    load_pretrained(tmp_path, "backbone", target, new_parts=["non_local"], copies=copies)
    assert target.stems[1].conv.weight.equal(source.stems[1].conv.weight)
    assert not target.stems[1].conv.weight.equal(source.stems[0].conv.weight)


def test_no_weights_are_refused_before_an_image_is_read(tmp_path):
    """The image does not exist: to open it would be another error."""
    rows = Records.from_columns([str(tmp_path / "a.jpg")], [1])
    with pytest.raises(OptionError, match="no weights for a resnet backbone of size base"):
        fit("bot", BoTRecipe(), rows, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_method_says_what_it_started_from(tmp_path, people, micro):
    options = options_to_json(BoTOptions())
    saved(tmp_path / "resnet-micro", "bot", **options)
    folder = str(tmp_path / "resnet-micro")
    assert prepare("bot", micro(BoTRecipe(), weights=folder), people).start == "the weights in resnet-micro"


def test_imported_weights_are_a_start_too(tmp_path, people, micro):
    source = build_network(NetworkCard("clip", Size.MICRO, (64, 32)))
    for name, backbone in (("image", source.images), ("text", source.texts)):
        save_backbone(backbone, tmp_path / f"{name}.safetensors")
    prepared = prepare("clip-reid", micro(ClipReIDRecipe(cameras=True), weights=str(tmp_path)), people)
    method = prepared.method
    torch.testing.assert_close(method.network.backbone.projection, source.images.projection)
    torch.testing.assert_close(method.prompts.texts.projection, source.texts.projection)
    target = build_network(NetworkCard("transreid", Size.MICRO, (64, 32)))
    save_backbone(target.backbone, tmp_path / "vit.safetensors")
    again = build_network(NetworkCard("transreid", Size.MICRO, (64, 32), cameras=(1, 2)))
    load_pretrained(tmp_path / "vit.safetensors", "backbone", again.backbone)
    torch.testing.assert_close(again.backbone.class_token, target.backbone.class_token)


def test_a_file_is_a_start_for_both_backbones(tmp_path):
    """OpenAI's archive as it is: the file of one network, with both of its backbones."""
    shapes = clip_image_shapes("visual.", 4) | clip_text_shapes()
    torch.save(draw(shapes), tmp_path / "ViT.pt")
    imported = import_backbones(tmp_path / "ViT.pt").backbones
    for part, name in (("images", "image"), ("texts", "text")):
        target = build(imported[name].config)
        load_pretrained(tmp_path / "ViT.pt", part, target)
        assert all(
            value.equal(imported[name].state_dict()[key]) for key, value in target.state_dict().items()
        )
