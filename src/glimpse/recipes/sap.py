"""The recipe of SAP (sap.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from glimpse.choices import Size, Teacher
from glimpse.ranges import Epochs, Factor, Positive, Range, Seed, Share, ShareBelowOne, Stride, Weight
from glimpse.recipes.groups import (
    SEED,
    WEIGHTS,
    AugmentRecipe,
    OptimizerRecipe,
    SamplerRecipe,
    ValidationRecipe,
    adamw,
)
from glimpse.recipes.provenance import Checked, given, group, our_choice, read_in_code

_HERE, _BASE = "sap.md, 'Constants'", "transreid.md, 'Constants': SAP's baseline"


@dataclass(frozen=True)
class DropoutRecipe(Checked):
    """Supervision dropout: patches that are like all others are not told their part."""

    share: Share = our_choice(0.3, f"{_HERE}: of the patches; not given")
    temperature: Positive = our_choice(0.1, f"{_HERE}: of mean cosines; not given")


@dataclass(frozen=True)
class SapRecipe(Checked):
    """SAP, semi-attention partition: a ViT with part proxies, taught by part labels that it may depart from.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        teacher: what says where the parts are.
        parts: how many there are; maps say themselves.
        stride: of patches, in sixteenths of a patch.
        cameras: whether each camera of the training rows has an embedding.
        camera_weight: of the camera embedding.
        drop_path: of the last block.
        proxies: whether there are part proxies, and features of parts.
        rounds: of refinement.
        mlp_ratio: of refinement.
        sharpness: of patch labels, per pixel of a patch of 16 x 16.
        background: a patch with less of it is foreground.
        patch_weight: of the patch-patch consistency.
        proxy_weight: of the proxy-patch consistency.
        patch_temperature: of the patch-patch target.
        proxy_temperature: of the proxy-patch target.
        layer: the block whose attention is taught, counted from 1; 0 for the last.
        absent: whether the proxies of parts that are not seen are taught all the same.
        dropout: of supervision.
        epochs: of training.
        smoothing: of the labels.
        triplet_from: the epoch in which the triplet loss joins.
        optimizer: of everything.
        sampler: of the batches.
        augment: what is done to images.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = given(Size.BASE, f"{_HERE}: ViT-B/16")
    weights: str = our_choice("auto", WEIGHTS)
    teacher: Teacher = our_choice(Teacher.STRIPES, f"{_HERE}: needs nothing; 4.6 of 6.2 points of mAP")
    parts: Annotated[int, Range(1, 64)] = our_choice(6, f"{_HERE}: as many as Pascal-Person-Part has")
    stride: Stride = our_choice(12, f"{_HERE}: the baseline's figure is that of overlapping patches")
    cameras: bool = our_choice(False, f"{_HERE}: whoever searches may not know them")
    camera_weight: Weight = read_in_code(3.0, _BASE)
    drop_path: ShareBelowOne = read_in_code(0.1, _BASE)
    proxies: bool = given(True, "sap.md, 'Part proxies'")
    rounds: Annotated[int, Range(0, 64)] = our_choice(1, f"{_HERE}: not given")
    mlp_ratio: Positive = our_choice(4.0, f"{_HERE}: as in the backbone")
    sharpness: Factor = our_choice(0.05, f"{_HERE}: a majority of 128 pixels is 6.4 in logits; not given")
    background: Share = our_choice(0.5, f"{_HERE}: not given")
    patch_weight: Weight = our_choice(0.5, f"{_HERE}: not given")
    proxy_weight: Weight = our_choice(0.5, f"{_HERE}: not given")
    patch_temperature: Positive = given(1.0, f"{_HERE}: 1 is literal")
    proxy_temperature: Positive = given(1.0, f"{_HERE}: 1 is literal")
    layer: Annotated[int, Range(0, 64)] = our_choice(0, f"{_HERE}: not given")
    absent: bool = our_choice(False, f"{_HERE}: their target is almost uniform, which teaches nothing")
    dropout: DropoutRecipe = group(DropoutRecipe)
    epochs: Epochs = read_in_code(120, _BASE)
    smoothing: ShareBelowOne = given(0.0, _BASE)
    triplet_from: Epochs = our_choice(1, _BASE)
    optimizer: OptimizerRecipe = group(OptimizerRecipe)
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def needs_parts(self) -> bool:
        """Whether part maps must be given."""
        return self.teacher is Teacher.MAPS

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "vit"


WORLD: tuple[str, ...] = (
    "epochs=20",
    # at 1 the target of stripes is all but uniform over the 50 patches of a small network
    "proxy_temperature=0.1",
    *adamw("optimizer"),
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
