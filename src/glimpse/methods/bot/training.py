"""How BoT is trained (dpm_family 1.6)."""

from __future__ import annotations

from glimpse.methods.augmentation import IMAGENET, training_augmentation
from glimpse.methods.bot.method import BoT
from glimpse.methods.bot.network import BoTNetwork, BoTOptions
from glimpse.methods.bot.recipe import BoTRecipe
from glimpse.methods.card import NetworkCard, options_to_json
from glimpse.methods.prepared import Prepared
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.training.augment import Erasing, Fill
from glimpse.training.data import TrainingData
from glimpse.training.optimise import Kind, Optimiser
from glimpse.training.sampler import PersonSampler
from glimpse.training.schedule import WarmupSteps
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
        image=recipe.shape,
        mean=IMAGENET.mean,
        deviation=IMAGENET.deviation,
        options=options_to_json(options),
    )
    method = BoT(network, len(data.persons), recipe)
    return Prepared(method, card, [stage(recipe, data)], described(start))


def stage(recipe: BoTRecipe, data: TrainingData) -> Stage:
    """The one stage."""
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(*_optimisers(recipe)),
        sampler=PersonSampler(data.labels, persons=recipe.persons, images=recipe.images, seed=recipe.seed),
        augmentation=training_augmentation(
            recipe,
            IMAGENET,
            # the mean colour is 0 after normalisation
            Erasing(recipe.erasing, area=(0.02, recipe.erasing_most), fill=Fill.CONSTANT),
        ),
    )


def _optimisers(recipe: BoTRecipe) -> tuple[Optimiser, ...]:
    schedule = WarmupSteps(recipe.warmup, 0.01, (recipe.first_step, recipe.second_step))
    center = recipe.center_weight
    everything = Optimiser(
        Kind.ADAM,
        recipe.rate,
        weight_decay=recipe.weight_decay,
        schedule=schedule,
        but_not=("centers",) if center else (),
    )
    if not center:
        return (everything,)
    # the centers learn from the loss before its weight (dpm_family 1.6): the rate takes the weight out
    return everything, Optimiser(Kind.SGD, recipe.center_rate / center, momentum=0.0, parameters=("centers",))
