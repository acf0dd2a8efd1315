"""Networks that earlier versions saved load by the names of today, with the same weights."""

import json
from dataclasses import replace

import torch
from safetensors.torch import load_file, save_file

from glimpse.choices import MaskSide, Size
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.storage import load_network, save_network
from glimpse.models.taken import Taken
from glimpse.models.weights import load_backbone, save_backbone

CARD = NetworkCard(
    "dpm",
    Size.MICRO,
    (64, 32),
    cameras=(1, 2),
    similarity="masked-cosine",
    mask_side=MaskSide.SUBSPACE,
    options={"mask": "light", "stride": 16, "camera_weight": 2.0, "neck_feat": "after"},
)


def test_a_network_from_before_the_renaming_loads_with_the_same_vectors(tmp_path):
    network = build_network(CARD).eval()
    save_network(tmp_path, CARD, network.state_dict())
    values = json.loads((tmp_path / "network.json").read_text())
    for new, old in (("std", "deviation"), ("mask_side", "side")):
        values[old] = values.pop(new)
    for new, old in (("camera_weight", "side_weight"), ("neck_feat", "tap")):
        values["options"][old] = values["options"].pop(new)
    (tmp_path / "network.json").write_text(json.dumps(values))
    weights = {
        name.replace("backbone.", "encoder.").replace("camera_embedding.", "side."): value
        for name, value in load_file(tmp_path / "network.safetensors").items()
    }
    assert any(name == "encoder.side.table" for name in weights)
    save_file(weights, tmp_path / "network.safetensors")

    card, loaded = load_network(tmp_path)
    assert card == CARD
    images, taken = torch.rand(2, 3, 64, 32), Taken(torch.tensor([0, 1]))
    for mine, theirs in zip(loaded.embed(images, taken), network.embed(images, taken), strict=True):
        assert torch.equal(mine, theirs)


def test_a_backbone_from_before_the_renaming_loads(tmp_path):
    config = ViTConfig(image=(32, 16), patch=8, stride=8, width=16, depth=1, heads=2, cameras=3)
    backbone = ViT(replace(config, camera_weight=2.0))
    path = tmp_path / "image.safetensors"
    save_backbone(backbone, path)
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        header = json.loads(next(iter(file.metadata().values())))
        key = next(iter(file.metadata()))
    header["sides"] = header.pop("cameras")
    header["side_weight"] = header.pop("camera_weight")
    weights = {n.replace("camera_embedding.", "side."): v for n, v in load_file(path).items()}
    save_file(weights, path, {key: json.dumps(header)})
    loaded = load_backbone(path)
    assert loaded.config == backbone.config
    assert torch.equal(loaded.camera_embedding.table, backbone.camera_embedding.table)
