import pytest
import torch

from glimpse.choices import Size
from glimpse.methods.bot import BoT, bot_stage, prepare_bot
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.recipes.bot import BoTRecipe
from glimpse.training.build import build_schedule
from glimpse.training.losses import cross_entropy, margin_triplet
from glimpse.training.stages import Step

STEP = Step("train", "all", 1, 1, 0, 1)


def bot(**changes):
    torch.manual_seed(0)
    return BoT(BoTNetwork(Size.MICRO, BoTOptions()), 2, BoTRecipe(**changes))


def test_metric_losses_come_before_the_neck_and_identity_after_it(batch):
    method = bot().eval()
    before, after = method.network(batch.images)
    losses = method.losses(batch, STEP)
    wanted = cross_entropy(method.classifier(after), batch.labels, smoothing=0.1)
    torch.testing.assert_close(losses["identity"], wanted)
    torch.testing.assert_close(losses["triplet"], margin_triplet(before, batch.labels, margin=0.3))
    distance = (before - method.centers[batch.labels]).square().sum(1).mean()
    torch.testing.assert_close(losses["center"], 5e-4 * distance)


def test_without_a_weight_there_is_no_center_loss(batch):
    method = bot(center_weight=0.0)
    assert set(method.losses(batch, STEP)) == {"identity", "triplet"}
    assert method.centers is None


def test_the_centers_follow_their_own_rate_on_the_loss_before_its_weight(people, micro):
    stage = bot_stage(micro(BoTRecipe()), people)
    everything, centers = stage.updates[0].optimizers
    assert centers.lr * 5e-4 == pytest.approx(0.5)
    assert everything.exclude == ("centers",)
    assert centers.momentum == centers.weight_decay == 0


def test_the_published_rates():
    recipe = BoTRecipe()
    schedule = build_schedule(recipe.optimizer, recipe.epochs)
    rates = [schedule(epoch, recipe.optimizer.lr) for epoch in (1, 5, 10, 39, 40, 70, 120)]
    wanted = [3.815e-5, 1.7675e-4, 3.5e-4, 3.5e-4, 3.5e-5, 3.5e-6, 3.5e-6]
    assert rates == pytest.approx(wanted)


def test_bot_is_fed_and_prepared_as_its_recipe_says(people, micro):
    prepared = prepare_bot(micro(BoTRecipe(ibn=True)), people)
    assert prepared.card.mean == (0.485, 0.456, 0.406)
    assert prepared.card.options == {"ibn": True, "pool": "gap", "neck_feat": "after"}
    assert prepared.card.image == (64, 32)
    assert prepared.start == "random weights"
    assert prepared.method.classifier.weight.shape == (8, prepared.method.network.dim)
