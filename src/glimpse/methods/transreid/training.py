"""How TransReID is trained (dpm_family 2.5)."""

from __future__ import annotations

from glimpse.encoders.vit import ViTConfig
from glimpse.methods.card import NetworkCard, options_to_json
from glimpse.methods.prepared import Prepared, camera_table
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.methods.transreid.method import TransReID
from glimpse.methods.transreid.network import TransReIDNetwork, TransReIDOptions
from glimpse.methods.transreid.recipe import TransReIDRecipe
from glimpse.training.build import build_augmentation, build_optimiser, build_sampler, build_transfer
from glimpse.training.data import TrainingData
from glimpse.training.stages import Stage, one_update


def prepare_transreid(recipe: TransReIDRecipe, data: TrainingData) -> Prepared:
    """TransReID for the persons and the cameras of the training rows."""
    options = TransReIDOptions(
        stride=recipe.stride,
        jigsaw=recipe.jigsaw,
        side_weight=recipe.side_weight,
        drop_path=recipe.drop_path,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = TransReIDNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    start = starting_folder(recipe.weights, "vit", recipe.size)
    if start is not None:
        copy_part(start, "encoder", network.encoder)
        if network.local is not None:
            network.local.follow(network.encoder)
    card = NetworkCard(
        method="transreid",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        deviation=recipe.augment.deviation,
        cameras=cameras,
        options=options_to_json(options),
    )
    method = TransReID(network, len(data.persons), recipe)
    return Prepared(method, card, [transreid_stage(recipe, data, network.encoder.config)], described(start))


def transreid_stage(recipe: TransReIDRecipe, data: TrainingData, encoder: ViTConfig) -> Stage:
    """The one stage."""
    optimiser = build_optimiser(recipe.optimiser, recipe.epochs)
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimiser, clip=recipe.optimiser.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
        transfer=build_transfer(recipe.transfer, encoder),
    )
