"""Masks by a trained selector."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.spt import Spt
from glimpse.methods.spt_masks import SelectorMasks
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.spt import SptNetwork, SptOptions
from glimpse.models.storage import save_network
from glimpse.recipes.spt import SptRecipe


class Held:
    """Pixels in memory."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def read(self, rows):
        return self.images[rows]


@pytest.fixture
def method():
    torch.manual_seed(0)
    recipe = replace(SptRecipe(), size=Size.MICRO)
    return Spt(SptNetwork(Size.MICRO, (64, 32), SptOptions(drop_path=0.0)), 2, recipe)


def test_selector_masks_are_the_salient_patches(method):
    card = NetworkCard("spt", Size.MICRO, (64, 32))
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    source = SelectorMasks(method.network, card)
    masks = source.masks(Held(images), np.zeros(3, np.int64))
    assert masks.shape == (3, 64, 32)
    cells = masks.reshape(3, 8, 8, 4, 8)
    assert (cells.all((2, 4)) == cells.any((2, 4))).all()
    assert "identities" in source.truth


def test_a_trained_selector_is_loaded_and_nothing_else(method, tmp_path):
    card = NetworkCard("spt", Size.MICRO, (64, 32))
    save_network(tmp_path / "spt", card, method.network.state_dict())
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 32, 3), dtype=np.uint8)
    loaded, kept = SelectorMasks.load(tmp_path / "spt"), SelectorMasks(method.network, card)
    persons = np.zeros(2, np.int64)
    assert np.array_equal(loaded.masks(Held(images), persons), kept.masks(Held(images), persons))
    assert loaded.size == (64, 32)
    other = NetworkCard("bot", Size.MICRO, (64, 32))
    save_network(tmp_path / "bot", other, build_network(other).state_dict())
    with pytest.raises(OptionError, match="holds a network of bot"):
        SelectorMasks.load(tmp_path / "bot")
