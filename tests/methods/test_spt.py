import copy
from dataclasses import replace

import pytest
import torch

from glimpse.choices import Size
from glimpse.methods.spt import Spt, complement_loss, usage_loss
from glimpse.models.spt import SptNetwork, SptOptions
from glimpse.recipes.spt import SptRecipe
from glimpse.training.stages import Step, total_of

STEP = Step("train", "all", 1, 1, 0, 1)


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
