"""How CLIP is pre-trained."""

from __future__ import annotations

from glimpse.errors import OptionError
from glimpse.methods.card import NetworkCard
from glimpse.methods.clip.method import ENDS, IDS, Clip
from glimpse.methods.clip.network import ClipNetwork
from glimpse.methods.clip.recipe import ClipRecipe
from glimpse.methods.prepared import Prepared
from glimpse.training.build import build_augmentation, build_optimiser
from glimpse.training.data import TrainingData
from glimpse.training.sampler import ShuffledSampler
from glimpse.training.stages import Stage, one_update


def prepare_clip(recipe: ClipRecipe, data: TrainingData) -> Prepared:
    """CLIP for rows with captions."""
    if not {IDS, ENDS} <= data.columns.keys():
        raise OptionError("CLIP is trained on rows with captions: glimpse pretrain clip makes them")
    network = ClipNetwork(recipe.size, recipe.augment.size)
    card = NetworkCard(
        method="clip",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        deviation=recipe.augment.deviation,
    )
    optimiser = build_optimiser(recipe.optimiser, recipe.epochs)
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimiser, clip=recipe.optimiser.clip),
        sampler=ShuffledSampler(len(data), recipe.batch, whole=True, seed=recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    method = Clip(network, len(data.persons), recipe)
    return Prepared(method, card, [stage], "random weights")
