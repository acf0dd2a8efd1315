"""SPT's recipe for the patch selector; the transfer is a group of its hosts' recipes (spt.md, "Selector")."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import Size
from glimpse.ranges import Epochs, Seed, Share, ShareBelowOne, Weight
from glimpse.recipes.groups import (
    SEED,
    WEIGHTS,
    AugmentRecipe,
    OptimizerRecipe,
    SamplerRecipe,
    ValidationRecipe,
)
from glimpse.recipes.provenance import Checked, group, our_choice, read_in_code


@dataclass(frozen=True)
class SptRecipe(Checked):
    """The saliency patch selector: a patch counts if persons are told apart by it.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        drop_path: of the last block.
        epochs: of training.
        usage: share of patches that a batch keeps on average.
        usage_weight: of the squared distance from it.
        complement_weight: of what the left out patches say about the person, a mean over the batch.
        optimizer: of everything.
        sampler: of the batches.
        augment: what is done to images.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = read_in_code(Size.BASE, "spt.md, 'Selector': ViT-B/16, stride 16, no cameras")
    weights: str = our_choice("auto", WEIGHTS)
    drop_path: ShareBelowOne = read_in_code(0.1, "transreid.md, 'Backbone'")
    epochs: Epochs = read_in_code(120, "spt.md, 'Selector'")
    usage: Share = read_in_code(0.3, "spt.md, 'Selector'")
    usage_weight: Weight = read_in_code(50.0, "spt.md, 'Selector'")
    complement_weight: Weight = read_in_code(6.4, "spt.md, 'Selector': 0.1 times the sum over a batch of 64")
    optimizer: OptimizerRecipe = group(OptimizerRecipe)
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "vit"


WORLD: tuple[str, ...] = (
    "epochs=20",
    "optimizer.kind=adamw",
    "optimizer.lr=1e-3",
    "optimizer.weight-decay=0.05",
    "optimizer.warmup=2",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
