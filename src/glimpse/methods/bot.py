"""BoT in training: identity, triplet and center loss, and its one stage (bot.md)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from glimpse.choices import OptimizerKind
from glimpse.methods.cross_modal import check_modalities, cross_modal_triplet
from glimpse.methods.prepare import Prepared
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import classifier
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.recipes.bot import BoTRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.distributed import gathered
from glimpse.training.losses import center_loss, cross_entropy, margin_triplet
from glimpse.training.optimizers import Optimizer
from glimpse.training.stages import Method, Stage, Step, one_update


class BoT(Method):
    """Metric losses before the neck, classification after it.

    Args:
        network: what is left after training.
        persons: C.
        recipe: margin, smoothing and weights.
    """

    def __init__(self, network: BoTNetwork, persons: int, recipe: BoTRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classifier = classifier(network.dim, persons)
        # from a standard normal: read in the authors' code
        self.centers = nn.Parameter(torch.randn(persons, network.dim)) if recipe.center_weight else None

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, `triplet` and, if they have a weight, `cross_modal` and `center`."""
        before, after = self.network(batch.images)
        recipe, logits = self.recipe, self.classifier(after)
        losses = {
            "identity": cross_entropy(logits, batch.labels, smoothing=recipe.smoothing),
            "triplet": margin_triplet(gathered(before), gathered(batch.labels), margin=recipe.margin),
        }
        if recipe.cross_modal:
            losses["cross_modal"] = recipe.cross_modal * cross_modal_triplet(
                before, batch, recipe.cross_margin
            )
        if self.centers is not None:
            losses["center"] = recipe.center_weight * center_loss(before, self.centers, batch.labels)
        return losses

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D]`."""
        return self.network.embed(batch.images, batch.taken)


def prepare_bot(recipe: BoTRecipe, data: TrainingData) -> Prepared:
    """BoT for the persons of the training rows."""
    if recipe.cross_modal:
        check_modalities("a loss between modalities", data)
    options = BoTOptions(ibn=recipe.ibn)
    network = BoTNetwork(recipe.size, options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", network.backbone)
    card = NetworkCard(
        method="bot",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        options=options_to_json(options),
    )
    method = BoT(network, len(data.persons), recipe)
    return Prepared(method, card, [bot_stage(recipe, data)], described(start))


def bot_stage(recipe: BoTRecipe, data: TrainingData) -> Stage:
    """The one stage."""
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(*_optimizers(recipe), clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )


def _optimizers(recipe: BoTRecipe) -> list[Optimizer]:
    if not recipe.center_weight:
        return [build_optimizer(recipe.optimizer, recipe.epochs)]
    return [
        build_optimizer(recipe.optimizer, recipe.epochs, exclude=("centers",)),
        # the centers learn from the loss before its weight (bot.md, "Constants"): the rate takes the weight
        # out
        Optimizer(
            OptimizerKind.SGD, recipe.center_lr / recipe.center_weight, momentum=0.0, parameters=("centers",)
        ),
    ]
