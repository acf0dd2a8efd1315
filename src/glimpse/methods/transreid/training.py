"""How TransReID is trained (dpm_family 2.5)."""

from __future__ import annotations

from glimpse.methods.augmentation import HALVES, training_augmentation
from glimpse.methods.card import NetworkCard, options_to_json
from glimpse.methods.prepared import Prepared
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.methods.transreid.method import TransReID
from glimpse.methods.transreid.network import TransReIDNetwork, TransReIDOptions
from glimpse.methods.transreid.recipe import TransReIDRecipe
from glimpse.training.augment import Erasing
from glimpse.training.data import TrainingData
from glimpse.training.optimise import Optimiser, Rule
from glimpse.training.sampler import PersonSampler
from glimpse.training.schedule import WarmupCosine
from glimpse.training.stages import Stage, one_update


def prepare_transreid(recipe: TransReIDRecipe, data: TrainingData) -> Prepared:
    """TransReID for the persons and the cameras of the training rows."""
    options = TransReIDOptions(
        stride=recipe.stride,
        jigsaw=recipe.jigsaw,
        side_weight=recipe.side_weight,
        drop_path=recipe.drop_path,
    )
    known = tuple(data.records.cameras.tolist())
    # with a single camera there is nothing to tell apart (dpm_family 2.3)
    cameras = known if recipe.cameras and len(known) > 1 else ()
    network = TransReIDNetwork(recipe.size, recipe.shape, len(cameras), options)
    start = starting_folder(recipe.weights, "vit", recipe.size)
    if start is not None:
        copy_part(start, "encoder", network.encoder)
        if network.local is not None:
            network.local.follow(network.encoder)
    card = NetworkCard(
        method="transreid",
        size=recipe.size,
        image=recipe.shape,
        mean=HALVES.mean,
        deviation=HALVES.deviation,
        cameras=cameras,
        options=options_to_json(options),
    )
    method = TransReID(network, len(data.persons), recipe)
    return Prepared(method, card, [stage(recipe, data)], described(start))


def stage(recipe: TransReIDRecipe, data: TrainingData) -> Stage:
    """The one stage."""
    rate = recipe.rate
    optimiser = Optimiser(
        recipe.optimiser,
        rate,
        weight_decay=recipe.weight_decay,
        schedule=WarmupCosine(
            epochs=recipe.epochs,
            warmup=recipe.warmup,
            start=rate * recipe.warmup_start,
            minimum=rate * recipe.least_rate,
        ),
        rules=(Rule(("bias", "*.bias"), rate=recipe.bias_rate),),
    )
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimiser),
        sampler=PersonSampler(data.labels, persons=recipe.persons, images=recipe.images, seed=recipe.seed),
        augmentation=training_augmentation(recipe, HALVES, Erasing(recipe.erasing)),
    )
