"""The recipe of SIM's own network (sim.md, "Feature network"): BoT's with balanced batches."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import EpochLength, Fill, OptimizerKind, SchedulerKind, SimPreset
from glimpse.ranges import Count, Epochs, Share, ShareBelowOne, Weight
from glimpse.recipes import bot
from glimpse.recipes.groups import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    AugmentRecipe,
    OptimizerRecipe,
    SamplerRecipe,
)
from glimpse.recipes.provenance import Checked, group, our_choice, read_in_code

_HERE, _CONSTANTS = "sim.md, 'Feature network'", "sim.md, 'Constants'"


@dataclass(frozen=True)
class InferenceRecipe(Checked):
    """How the saved retriever re-ranks (`glimpse.reranking.SimilarityInference`).

    Attributes:
        use: whether it does.
        preset: whose constants; a key that is set comes before it.
    """

    use: bool = our_choice(True, "the method; results are always told with and without it")
    preset: SimPreset = read_in_code(SimPreset.SYSU, f"{_CONSTANTS}: one script for each data set")
    weight: Weight | None = read_in_code(None, f"{_CONSTANTS}: the preset's, sysu 0.01, regdb 0.1")
    paths: Count | None = read_in_code(None, f"{_CONSTANTS}: the preset's, sysu 9, regdb 5")
    neighbors: Count | None = read_in_code(None, f"{_CONSTANTS}: the preset's, 20")
    k_query: Count | None = read_in_code(None, f"{_CONSTANTS}: the preset's, sysu 12, regdb 9")
    k_gallery: Count | None = read_in_code(None, f"{_CONSTANTS}: the preset's, 20")
    alpha: Share | None = read_in_code(None, f"{_CONSTANTS}: the preset's, sysu 0.3, regdb 0.7")


@dataclass(frozen=True)
class SimRecipe(bot.BoTRecipe):
    """SIM's own network: BoT with as many infrared as visible images in a batch; compared by SIM.

    Attributes:
        inference: the re-ranking that the retriever is saved with.
    """

    epochs: Epochs = read_in_code(200, _HERE)
    smoothing: ShareBelowOne = read_in_code(0.0, _HERE)
    center_weight: Weight = read_in_code(0.0, f"{_HERE}: no center loss")
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=read_in_code(OptimizerKind.ADAM, _HERE),
        lr=read_in_code(3.5e-4, _HERE),
        weight_decay=read_in_code(5e-4, _HERE),
        bias_lr_factor=read_in_code(1.0, _HERE),
        scheduler=read_in_code(SchedulerKind.STEPS, _HERE),
        warmup=read_in_code(0, _HERE),
        milestones=read_in_code((150,), _HERE),
        factor=read_in_code(0.1, _HERE),
    )
    sampler: SamplerRecipe = group(
        SamplerRecipe,
        persons=read_in_code(16, _HERE),
        images=read_in_code(4, f"{_HERE}: of each modality"),
        balanced=read_in_code(True, _HERE),
        length=read_in_code(EpochLength.PERSONS, _HERE),
    )
    augment: AugmentRecipe = group(
        AugmentRecipe,
        mean=read_in_code(IMAGENET_MEAN, _HERE),
        std=read_in_code(IMAGENET_STD, _HERE),
        padding_fill=read_in_code(127, _HERE),
        erasing_area=read_in_code((0.02, 0.33), f"{_HERE}: torchvision's defaults"),
        erasing_fill=read_in_code(Fill.CONSTANT, f"{_HERE}: torchvision's defaults"),
    )
    inference: InferenceRecipe = group(InferenceRecipe)


WORLD: tuple[str, ...] = (*bot.WORLD, "sampler.persons=8", "sampler.length=images")
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
