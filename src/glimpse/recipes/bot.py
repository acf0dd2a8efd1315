"""BoT's recipe (bot.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import Fill, OptimizerKind, SchedulerKind, Size
from glimpse.ranges import Epochs, LearningRate, Margin, Seed, ShareBelowOne, Weight
from glimpse.recipes.groups import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    SEED,
    WEIGHTS,
    AugmentRecipe,
    OptimizerRecipe,
    SamplerRecipe,
    ValidationRecipe,
)
from glimpse.recipes.provenance import Checked, given, group, our_choice, read_in_code

_HERE = "bot.md, 'Constants'"


@dataclass(frozen=True)
class BoTRecipe(Checked):
    """BoT, the strong residual baseline: ResNet-50 or IBN-a, with a BNNeck; center loss included.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        ibn: IBN-a norms in the first three stages.
        epochs: of training.
        smoothing: of the labels.
        margin: of the triplet loss.
        center_weight: of the center loss; 0 for none.
        center_lr: of the centers' own SGD, on the loss before its weight.
        cross_modal: weight of the hetero-center triplet loss, between visible and infrared.
        cross_margin: its margin.
        optimizer: of everything but the centers.
        sampler: of the batches.
        augment: what is done to images.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = given(Size.BASE, f"{_HERE}: ResNet-50")
    weights: str = our_choice("auto", WEIGHTS)
    ibn: bool = given(False, _HERE)
    epochs: Epochs = given(120, _HERE)
    smoothing: ShareBelowOne = given(0.1, _HERE)
    margin: Margin = given(0.3, "baselines.md, 'Losses'")
    center_weight: Weight = given(5e-4, _HERE)
    center_lr: LearningRate = given(0.5, _HERE)
    cross_modal: Weight = our_choice(0.0, "agw.md, 'Training aids': off")
    cross_margin: Margin = our_choice(0.3, "agw.md, 'Training aids'")
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=given(OptimizerKind.ADAM, _HERE),
        lr=given(3.5e-4, _HERE),
        weight_decay=given(5e-4, _HERE),
        bias_lr_factor=read_in_code(1.0, "its configurations set BIAS_LR_FACTOR to 1"),
        scheduler=given(SchedulerKind.STEPS, _HERE),
        warmup=given(10, _HERE),
        warmup_start=given(0.01, _HERE),
        milestones=given((40, 70), _HERE),
        factor=given(0.1, _HERE),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(
        AugmentRecipe,
        mean=read_in_code(IMAGENET_MEAN, "baselines.md, 'Images and augmentation': every ResNet"),
        std=read_in_code(IMAGENET_STD, "baselines.md, 'Images and augmentation': every ResNet"),
        erasing_area=given((0.02, 0.4), _HERE),
        erasing_fill=given(Fill.CONSTANT, f"{_HERE}: the mean color"),
    )
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "resnet-ibn" if self.ibn else "resnet"


WORLD: tuple[str, ...] = (
    "epochs=20",
    "optimizer.lr=1e-3",
    "optimizer.warmup=2",
    "optimizer.milestones=12,17",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
