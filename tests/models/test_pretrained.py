import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.prepare import prepare
from glimpse.models import pretrained as start
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.models.pretrained import load_pretrained, starting_folder
from glimpse.models.storage import save_network
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.models.weights import save_backbone
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip_reid import ClipReIDRecipe


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
    with pytest.raises(OptionError, match="has no backbone to start from"):
        load_pretrained(tmp_path / "vit", "backbone", network.backbone)
    with pytest.raises(OptionError, match="does not fit"):
        load_pretrained(tmp_path / "ibn", "backbone", network.backbone)
    with pytest.raises(OptionError, match=r"does not fit: .* shape"):
        load_pretrained(
            tmp_path / "vit",
            "backbone",
            TransReIDNetwork(Size.TINY, (128, 64), 0, TransReIDOptions()).backbone,
        )
    with pytest.raises(OptionError, match="has no images to start from"):
        load_pretrained(tmp_path / "vit", "images", network.backbone)


def test_auto_takes_shipped_weights_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "files", lambda package: tmp_path)
    assert starting_folder("auto", "vit", Size.MICRO) is None
    (tmp_path / "weights" / "vit-micro").mkdir(parents=True)
    assert starting_folder("auto", "vit", Size.MICRO) == tmp_path / "weights" / "vit-micro"
    assert starting_folder("auto", "vit", Size.TINY) is None
    assert starting_folder("none", "vit", Size.MICRO) is None
    assert starting_folder(str(tmp_path), "vit", Size.MICRO) == tmp_path


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
