"""Networks for the tests."""

import torch

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
