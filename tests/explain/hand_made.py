"""Networks whose vectors and masks are known, and micro networks with random weights."""

import numpy as np
import torch
from torch import nn

from glimpse.choices import Size
from glimpse.explain import ReportOptions
from glimpse.models.factory import NetworkCard, build_network
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.similarity import MaskSide

IMAGE = (64, 32)
SIZE = (128, 64)
CARD = NetworkCard("dpm", Size.MICRO, IMAGE)


class TwoPatches(nn.Module):
    """Dimensions 0 and 1 are fed by cell (2, 1) of a grid of 16 x 8 alone, 2 and 3 by cell (9, 5)."""

    dim = 4

    def __init__(self, mask):
        super().__init__()
        self.mask = None if mask is None else torch.tensor(mask)

    def embed(self, images, taken=None):
        first, second = images[:, :, 8:12, 4:8].mean((2, 3)), images[:, :, 36:40, 20:24].mean((2, 3))
        vectors = 1 + torch.cat([first[:, :2], second[:, :2]], dim=1)
        return vectors if self.mask is None else (vectors, self.mask.expand(len(images), -1))


def two_patches(mask):
    return NetworkEncoder(TwoPatches(mask), CARD)


def micro(method="dpm", side=MaskSide.SUBSPACE, flip=False, **options):
    """A retriever with random weights, so large that vectors and masks differ."""
    masked = method in ("dpm", "dpm++")
    name = "masked-cosine" if masked else "cosine"
    given = {"mask": "light", "stride": 16, **options} if masked else options
    card = NetworkCard(method, Size.MICRO, IMAGE, similarity=name, mask_side=side, options=given)
    torch.manual_seed(3)
    network = build_network(card)
    for name, parameter in network.named_parameters():
        nn.init.normal_(parameter, 0.5 if parameter.ndim == 1 and name.endswith("weight") else 0, 0.2)
    return Retriever.of_network(NetworkEncoder(network, card, flip=flip))


class Halves:
    """A mask source that knows: every second image shows its person in the upper half only."""

    truth = "told by the test"
    size = SIZE

    def masks(self, pixels, persons):
        masks = np.zeros((len(pixels), *SIZE), bool)
        masks[:, 16:112, 16:48] = True
        masks[::2, 64:] = False
        return masks


WISH = ReportOptions(queries=2, answers=3, samples=2, masks=Halves())


def words(report):
    return [paragraph for section in report.sections for paragraph in section.words]
