"""CLIP-ReID's recipe (clip-reid.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import OptimizerKind, SchedulerKind, Size
from glimpse.ranges import BatchSize, Epochs, Margin, Seed, ShareBelowOne, Stride, Weight
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
from glimpse.recipes.provenance import Checked, group, our_choice, read_in_code

_MODEL, _FIRST, _SECOND = (
    "clip-reid.md, 'Network'",
    "clip-reid.md, 'Stage 1 prompts'",
    "clip-reid.md, 'Stage 2 images'",
)


@dataclass(frozen=True)
class ClipReIDRecipe(Checked):
    """CLIP-ReID on a ViT: words are learned for every person, then the image side towards them.

    The variant with cameras and overlap (SIE and OLP) is `cameras=true stride=12`.

    Attributes:
        size: of the backbone.
        weights: what both backbones start from: `auto`, `none`, or where weights lie.
        stride: of patches, in sixteenths of a patch; 12 makes them overlap.
        cameras: whether each camera of the training rows has an embedding, on the class token only.
        camera_weight: of the camera embedding.
        prompt_epochs: of the first stage.
        prompt_batch: image vectors in a batch of the first stage, of anybody.
        epochs: of the second stage.
        smoothing: of the labels.
        margin: of the triplet losses.
        identity_weight: of each of the two identity losses.
        text_weight: of the image-to-text loss.
        prompt_optimizer: of the words.
        optimizer: of the image side.
        sampler: of the second stage's batches.
        augment: what is done to images in the second stage.
        transfer: occlusions taken from other images of the batch (SPT).
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = read_in_code(Size.BASE, f"{_MODEL}: ViT-B/16")
    weights: str = our_choice("auto", WEIGHTS)
    stride: Stride = read_in_code(16, _MODEL)
    cameras: bool = read_in_code(False, _MODEL)
    camera_weight: Weight = read_in_code(1.0, _MODEL)
    prompt_epochs: Epochs = read_in_code(120, _FIRST)
    prompt_batch: BatchSize = read_in_code(64, _FIRST)
    epochs: Epochs = read_in_code(60, _SECOND)
    smoothing: ShareBelowOne = read_in_code(0.1, _SECOND)
    margin: Margin = read_in_code(0.3, _SECOND)
    identity_weight: Weight = read_in_code(0.25, f"{_SECOND}: 1 for its ViT baseline, without text")
    text_weight: Weight = read_in_code(1.0, _SECOND)
    prompt_optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=read_in_code(OptimizerKind.ADAM, _FIRST),
        lr=read_in_code(3.5e-4, _FIRST),
        bias_lr_factor=read_in_code(1.0, f"{_FIRST}: words are no biases"),
        warmup_start=read_in_code(1e-5 / 3.5e-4, f"{_FIRST}: 1e-5"),
        minimum=read_in_code(1e-6 / 3.5e-4, f"{_FIRST}: 1e-6"),
    )
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=read_in_code(OptimizerKind.ADAM, _SECOND),
        lr=read_in_code(5e-6, _SECOND),
        scheduler=read_in_code(SchedulerKind.STEPS, _SECOND),
        warmup=read_in_code(10, _SECOND),
        warmup_start=read_in_code(0.1, _SECOND),
        milestones=read_in_code((30, 50), _SECOND),
        factor=read_in_code(0.1, _SECOND),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    transfer: TransferRecipe = group(TransferRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "clip"


WORLD: tuple[str, ...] = (
    "prompt-epochs=10",
    "prompt-optimizer.lr=1e-2",
    "epochs=20",
    # new layers start small and three triplets pull at the class token: at 1e-3 too little is learned
    *adamw("optimizer", "3e-3"),
    "optimizer.scheduler=cosine",
    "identity-weight=1",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
