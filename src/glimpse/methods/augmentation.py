"""What recipes say about augmentation, and the two normalisations of the published configurations."""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.methods.card import Three
from glimpse.methods.recipe import Recipe
from glimpse.training.augment import Augmentation, ColourJitter, Erasing, FlipAndCrop
from glimpse.training.augment.pipeline import HALF, IMAGENET_DEVIATION, IMAGENET_MEAN


@dataclass(frozen=True)
class Normalisation:
    """Mean and deviation of values in [0, 1]."""

    mean: Three
    deviation: Three


HALVES = Normalisation(HALF, HALF)
"""Of every ViT configuration, CLIP's too: read in the authors' code (dpm_family 1.2)."""
IMAGENET = Normalisation(IMAGENET_MEAN, IMAGENET_DEVIATION)
"""Of the ResNet configurations: read in the authors' code (dpm_family 1.2)."""


def training_augmentation(recipe: Recipe, normalisation: Normalisation, erasing: Erasing) -> Augmentation:
    """Jitter, flip and crop, normalise, erase, as far as the recipe wants them."""
    return Augmentation(
        mean=normalisation.mean,
        deviation=normalisation.deviation,
        geometry=FlipAndCrop(flip=recipe.flip, padding=recipe.pixels_of_padding),
        jitter=ColourJitter() if recipe.jitter else None,
        erasing=erasing if erasing.probability else None,
    )


def plain(normalisation: Normalisation) -> Augmentation:
    """Only normalise: what images go through when a trained network is used."""
    return Augmentation(mean=normalisation.mean, deviation=normalisation.deviation)
