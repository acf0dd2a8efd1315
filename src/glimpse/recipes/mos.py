"""The recipe of MoS (mos.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import Fill, ImageBackbone, OptimizerKind, Pool, SchedulerKind, Size, Triplet
from glimpse.ranges import Count, Epochs, Margin, Positive, Seed, ShareBelowOne, Stride, Weight
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

_HERE, _BOT = "mos.md, 'Constants'", "bot.md, 'Constants': MoS is trained as BoT"
_SETS = "set-jaccard.md, 'Constants'"


@dataclass(frozen=True)
class ConflictRecipe(Checked):
    """The conflict penalty of the saved retriever, fitted to the training persons after training."""

    use: bool = given(True, "set-jaccard.md, 'Conflict penalty'")
    epsilon: Margin = our_choice(0.1, f"{_SETS}: tolerance on scaled activations; not given")
    held_out: ShareBelowOne = our_choice(0.2, f"{_SETS}: of the training persons, to choose the weight on")
    shortlist: Count = our_choice(200, f"{_SETS}: the first; a search is exact with any")


@dataclass(frozen=True)
class MosRecipe(Checked):
    """MoS, matching on sets: BoT by a Jaccard triplet loss on the set of patterns before the neck.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        backbone: what gives the activations.
        ibn: IBN-a norms in the first three stages of a ResNet.
        pool: how the activations of all places become one set.
        stride: of a ViT's patches, in sixteenths of a patch.
        drop_path: of a ViT's last block.
        epochs: of training.
        smoothing: of the labels.
        triplet: the distance of the triplet loss.
        tau: of the soft Jaccard coefficient.
        margin: of the triplet loss.
        triplet_weight: of the triplet loss.
        conflict: the penalty that is fitted after training.
        optimizer: of everything.
        sampler: of the batches.
        augment: what is done to images.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = given(Size.BASE, f"{_HERE}: ResNet-50")
    weights: str = our_choice("auto", WEIGHTS)
    backbone: ImageBackbone = given(ImageBackbone.RESNET, f"{_HERE}; the ViT form is ours")
    ibn: bool = given(False, f"{_HERE}; reported with and without")
    pool: Pool = our_choice(Pool.MAX, f"{_HERE}: a pattern that is present anywhere is present; not given")
    stride: Stride = our_choice(16, f"{_HERE}: without overlap")
    drop_path: ShareBelowOne = our_choice(0.1, f"{_HERE}: as TransReID")
    epochs: Epochs = given(120, _BOT)
    smoothing: ShareBelowOne = given(0.1, _BOT)
    triplet: Triplet = given(Triplet.JACCARD, "mos.md, 'Losses'")
    tau: Positive = our_choice(10.0, f"{_HERE}: close to the hard form for activations of about 1; not given")
    margin: Margin = our_choice(0.3, f"{_HERE}: BoT's, of distances in [0, 1]; not given")
    triplet_weight: Weight = our_choice(1.0, f"{_HERE}: not given")
    conflict: ConflictRecipe = group(ConflictRecipe)
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=given(OptimizerKind.ADAM, _BOT),
        lr=given(3.5e-4, _BOT),
        weight_decay=given(5e-4, _BOT),
        bias_lr_factor=read_in_code(1.0, _BOT),
        scheduler=given(SchedulerKind.STEPS, _BOT),
        warmup=given(10, _BOT),
        warmup_start=given(0.01, _BOT),
        milestones=given((40, 70), _BOT),
        factor=given(0.1, _BOT),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(
        AugmentRecipe,
        mean=read_in_code(IMAGENET_MEAN, _BOT),
        std=read_in_code(IMAGENET_STD, _BOT),
        erasing_area=given((0.02, 0.4), _BOT),
        erasing_fill=given(Fill.CONSTANT, _BOT),
    )
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        if self.backbone is ImageBackbone.VIT:
            return "vit"
        return "resnet-ibn" if self.ibn else "resnet"


WORLD: tuple[str, ...] = (
    "epochs=20",
    "optimizer.lr=1e-3",
    "optimizer.warmup=2",
    "optimizer.milestones=12,17",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
