"""How the selector is trained: as the transformer baseline is (dpm_family 4.2)."""

from __future__ import annotations

from glimpse.methods.card import NetworkCard, options_to_json
from glimpse.methods.prepared import Prepared
from glimpse.methods.spt.method import Spt
from glimpse.methods.spt.network import SptNetwork, SptOptions
from glimpse.methods.spt.recipe import SptRecipe
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.training.build import build_augmentation, build_optimiser, build_sampler
from glimpse.training.data import TrainingData
from glimpse.training.stages import Stage, one_update


def prepare_spt(recipe: SptRecipe, data: TrainingData) -> Prepared:
    """The selector for the persons of the training rows."""
    options = SptOptions(recipe.drop_path)
    network = SptNetwork(recipe.size, recipe.augment.size, options)
    start = starting_folder(recipe.weights, "vit", recipe.size)
    if start is not None:
        copy_part(start, "encoder", network.encoder)
    card = NetworkCard(
        method="spt",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        deviation=recipe.augment.deviation,
        options=options_to_json(options),
    )
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(build_optimiser(recipe.optimiser, recipe.epochs), clip=recipe.optimiser.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    return Prepared(Spt(network, len(data.persons), recipe), card, [stage], described(start))
