"""TransReID's recipe (transreid.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import Size
from glimpse.ranges import Epochs, Seed, ShareBelowOne, Stride, Weight
from glimpse.recipes.groups import (
    SEED,
    WEIGHTS,
    AugmentRecipe,
    OptimizerRecipe,
    SamplerRecipe,
    TransferRecipe,
    ValidationRecipe,
    adamw,
)
from glimpse.recipes.provenance import Checked, given, group, our_choice, read_in_code


@dataclass(frozen=True)
class TransReIDRecipe(Checked):
    """TransReID with overlapping patches, cameras and jigsaw; without the three it is the ViT baseline.

    The plain baseline is `stride=16 cameras=false jigsaw=false`.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        stride: of patches, in sixteenths of a patch: 12; 11 for Occluded-Duke; 16 without overlap.
        cameras: whether each camera of the training rows has an embedding.
        camera_weight: of the camera embedding.
        jigsaw: whether there are local features of shuffled patches.
        drop_path: of the last block.
        epochs: of training.
        smoothing: of the labels; it costs 1.2 points of mAP on MSMT17.
        triplet_from: the epoch in which the triplet loss joins.
        optimizer: of everything.
        sampler: of the batches.
        augment: what is done to images.
        transfer: occlusions taken from other images of the batch (SPT).
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = read_in_code(Size.BASE, "transreid.md, 'Backbone': ViT-B/16")
    weights: str = our_choice("auto", WEIGHTS)
    stride: Stride = read_in_code(12, "transreid.md, 'Overlapping patches'")
    cameras: bool = read_in_code(True, "transreid.md, 'Camera embedding'")
    camera_weight: Weight = read_in_code(3.0, "transreid.md, 'Camera embedding'")
    jigsaw: bool = read_in_code(True, "transreid.md, 'Jigsaw branch'")
    drop_path: ShareBelowOne = read_in_code(0.1, "transreid.md, 'Backbone'")
    epochs: Epochs = read_in_code(120, "transreid.md, 'Optimization'")
    smoothing: ShareBelowOne = given(
        0.0, "baselines.md, 'Cross-entropy' and transreid.md, 'What the ablations say'"
    )
    triplet_from: Epochs = our_choice(
        1, "later from scratch, where it may pull all features into one point: a loss of ln 2"
    )
    optimizer: OptimizerRecipe = group(OptimizerRecipe)
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    transfer: TransferRecipe = group(TransferRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "vit"


WORLD: tuple[str, ...] = (
    "epochs=20",
    *adamw("optimizer"),
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
