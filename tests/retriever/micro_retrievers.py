"""Networks for the tests."""

import json

import torch
from torch import nn

from glimpse.models.backbones.sizes import Size
from glimpse.models.factory import NetworkCard, build_network
from glimpse.retriever import NetworkEncoder


def micro_encoder(method="transreid", flip=False, **card):
    """An untrained network with weights so large that its vectors differ."""
    torch.manual_seed(3)
    told = NetworkCard(method, Size.MICRO, (64, 32), **card)
    network = build_network(told)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0.5 if parameter.ndim == 1 else 0, 0.2)
    return NetworkEncoder(network, told, flip=flip)


class ToldApart(nn.Module):
    """Mean colors, then 4 times (the modality's place + 1), then the camera's place + 1."""

    dim = 5

    def __init__(self):
        super().__init__()
        self.offsets = nn.Parameter(4 * torch.arange(3.0))

    def embed(self, images, taken=None):
        cameras, modalities = (
            images.new_full((images.shape[0],), -1, dtype=torch.long) if numbers is None else numbers
            for numbers in ((None, None) if taken is None else (taken.cameras, taken.modalities))
        )
        told = torch.stack([self.offsets[modalities + 1], cameras + 1.0], dim=1)
        return torch.cat([images.mean((2, 3)), told], dim=1)


def told_apart(**card):
    """An encoder whose vectors end in 0, 4 or 8 (unknown, visible, infrared), and the camera's place + 1."""
    told = {"cameras": (2, 7), "modalities": ("rgb", "ir"), **card}
    return NetworkEncoder(ToldApart(), NetworkCard("bot", Size.MICRO, (8, 4), **told))


def change_card(folder, **values):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | values))
