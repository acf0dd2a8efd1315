"""SPT's selector: its passes and its card."""

from dataclasses import replace

import pytest
import torch

from glimpse.choices import Size
from glimpse.methods.spt import Spt
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.spt import SptNetwork, SptOptions
from glimpse.recipes.spt import SptRecipe


@pytest.fixture
def method():
    torch.manual_seed(0)
    recipe = replace(SptRecipe(), size=Size.MICRO)
    return Spt(SptNetwork(Size.MICRO, (64, 32), SptOptions(drop_path=0.0)), 2, recipe)


def test_a_mask_of_ones_is_the_plain_pass(method, batch):
    network = method.network.eval()
    plain, mask = network(batch.images)
    torch.testing.assert_close(network.seen_through(batch.images, torch.ones_like(mask)), plain)


def test_through_a_mask_of_zeros_all_images_look_alike(method, batch):
    # the mask multiplies patch embeddings, before class token and positions: these remain
    network = method.network.eval()
    _, mask = network(batch.images)
    found = network.seen_through(batch.images, torch.zeros_like(mask))
    torch.testing.assert_close(found, found[:1].expand_as(found))
    assert found.abs().sum() > 0


def test_masks_are_made_of_the_depths_that_dpms_are_made_of():
    for size, depths in ((Size.MICRO, (1, 2, 3, 4)), (Size.TINY, (1, 2, 5, 6))):
        image = (64, 32) if size is Size.MICRO else (128, 64)
        assert SptNetwork(size, image, SptOptions()).levels == depths


def test_a_card_makes_the_network_again(method):
    again = build_network(NetworkCard("spt", Size.MICRO, (64, 32)))
    again.load_state_dict(method.network.state_dict())
    image = torch.randn(1, 3, 64, 32)
    assert torch.equal(again.eval().embed(image), method.network.eval().embed(image))
