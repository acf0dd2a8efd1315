import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.spt import Spt, complement_loss, usage_loss
from glimpse.methods.spt_masks import SelectorMasks
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.spt import SptNetwork, SptOptions
from glimpse.models.storage import save_network
from glimpse.recipes.spt import SptRecipe
from glimpse.training.stages import Step, total_of

STEP = Step("train", "all", 1, 1, 0, 1)


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


def test_usage_is_free_when_the_batch_keeps_three_tenths_though_images_differ():
    assert usage_loss(torch.tensor([[0.1, 0.1], [0.5, 0.5]]), 0.3).item() == pytest.approx(0, abs=1e-12)
    assert usage_loss(torch.full((2, 4), 0.5), 0.3).item() == pytest.approx(0.04)


def test_the_complement_costs_most_when_it_says_what_the_image_says():
    sure = torch.tensor([[20.0, 0.0]])
    assert complement_loss(sure, sure).item() == pytest.approx(1)
    assert complement_loss(sure, -sure).item() == pytest.approx(0, abs=1e-6)
    assert complement_loss(sure, torch.zeros(1, 2)).item() == pytest.approx(0.5)


def test_the_mask_learns_through_the_masked_passes_and_not_through_its_input(method, batch):
    losses = method.losses(batch, STEP)
    head = method.network.head.weight
    assert torch.autograd.grad(losses["kept"], head, retain_graph=True)[0].abs().sum() > 0
    assert torch.autograd.grad(losses["complement"], head, retain_graph=True)[0].abs().sum() > 0
    backbone = method.network.backbone.patch_embed.projection.weight
    assert torch.autograd.grad(losses["usage"], backbone, allow_unused=True)[0] is None


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


def test_masked_passes_leave_the_statistics_of_whole_images_alone(method, batch):
    other = copy.deepcopy(method)
    method.train().losses(batch, STEP)
    other.train().network.neck(other.network(batch.images)[0])
    torch.testing.assert_close(method.network.neck.norm.running_mean, other.network.neck.norm.running_mean)


def test_a_step_lowers_the_usage_towards_its_share(method, batch):
    optimizer = torch.optim.Adam(method.parameters(), 1e-3)
    first = method.losses(batch, STEP)["usage"].item()
    for _ in range(10):
        optimizer.zero_grad()
        total_of(method.losses(batch, STEP).values()).backward()
        optimizer.step()
    assert method.losses(batch, STEP)["usage"].item() < first


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


def test_a_card_makes_the_network_again(method):
    again = build_network(NetworkCard("spt", Size.MICRO, (64, 32)))
    again.load_state_dict(method.network.state_dict())
    image = torch.randn(1, 3, 64, 32)
    assert torch.equal(again.eval().embed(image), method.network.eval().embed(image))
