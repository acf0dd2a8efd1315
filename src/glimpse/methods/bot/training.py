"""How BoT is trained (dpm_family 1.6)."""

from __future__ import annotations

from glimpse.methods.bot.method import BoT
from glimpse.methods.bot.network import BoTNetwork, BoTOptions
from glimpse.methods.bot.recipe import BoTRecipe
from glimpse.methods.card import NetworkCard, options_to_json
from glimpse.methods.prepared import Prepared
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.training.build import build_augmentation, build_optimiser, build_sampler
from glimpse.training.data import TrainingData
from glimpse.training.kinds import Kind
from glimpse.training.optimise import Optimiser
from glimpse.training.stages import Stage, one_update


def prepare_bot(recipe: BoTRecipe, data: TrainingData) -> Prepared:
    """BoT for the persons of the training rows."""
    options = BoTOptions(ibn=recipe.ibn)
    network = BoTNetwork(recipe.size, options)
    start = starting_folder(recipe.weights, "resnet", recipe.size)
    if start is not None:
        copy_part(start, "encoder", network.encoder)
    card = NetworkCard(
        method="bot",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        deviation=recipe.augment.deviation,
        options=options_to_json(options),
    )
    method = BoT(network, len(data.persons), recipe)
    return Prepared(method, card, [bot_stage(recipe, data)], described(start))


def bot_stage(recipe: BoTRecipe, data: TrainingData) -> Stage:
    """The one stage."""
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(*_optimisers(recipe), clip=recipe.optimiser.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )


def _optimisers(recipe: BoTRecipe) -> list[Optimiser]:
    if not recipe.center_weight:
        return [build_optimiser(recipe.optimiser, recipe.epochs)]
    return [
        build_optimiser(recipe.optimiser, recipe.epochs, but_not=("centers",)),
        # the centers learn from the loss before its weight (dpm_family 1.6): the rate takes the weight out
        Optimiser(Kind.SGD, recipe.center_rate / recipe.center_weight, momentum=0.0, parameters=("centers",)),
    ]
