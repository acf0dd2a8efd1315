"""The recipe of CLIP as it is pre-trained on the rendered world."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import OptimizerKind, Size
from glimpse.ranges import BatchSize, Count, Epochs, Positive, Seed, Weight
from glimpse.recipes.groups import SEED, AugmentRecipe, OptimizerRecipe, ValidationRecipe
from glimpse.recipes.provenance import Checked, group, our_choice

_OURS = "a small network on a made-up world"


@dataclass(frozen=True)
class ClipRecipe(Checked):
    """CLIP: images and their captions are brought together, others apart; and images name their person.

    Attributes:
        size: of both backbones.
        epochs: of training.
        batch: images with their captions.
        temperature: that the learned one starts from.
        identity_weight: of the classification of persons by the images' class token; 0 for CLIP alone.
        vocabulary: tokens that are learned from the world's captions.
        optimizer: of everything.
        augment: what is done to images; captions tell left from right, so nothing is mirrored.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = our_choice(Size.MICRO, _OURS)
    epochs: Epochs = our_choice(12, _OURS)
    batch: BatchSize = our_choice(128, _OURS)
    temperature: Positive = our_choice(0.07, "as the published CLIP starts")
    identity_weight: Weight = our_choice(
        1.0,
        "1,000 people's captions tell less than the papers' 400 million: CLIP alone starts a method badly",
    )
    vocabulary: Count = our_choice(1024, "the micro and the tiny backbone's")
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=our_choice(OptimizerKind.ADAMW, _OURS),
        lr=our_choice(2e-3, _OURS),
        weight_decay=our_choice(0.05, _OURS),
        bias_lr_factor=our_choice(1.0, _OURS),
        warmup=our_choice(1, _OURS),
    )
    augment: AugmentRecipe = group(
        AugmentRecipe,
        flip=our_choice(0.0, "captions tell left from right"),
        erasing=our_choice(0.0, "captions tell what is seen"),
    )
    validation: ValidationRecipe = group(ValidationRecipe, every=our_choice(2, _OURS))
    seed: Seed = our_choice(0, SEED)
