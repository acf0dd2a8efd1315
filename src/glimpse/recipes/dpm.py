"""DPM's recipe, what other data sets than Occluded-Duke change, and its arms (dpm.md, "Updates").

Occluded-REID, Partial-REID and Partial-iLIDS have no training rows: train on Market-1501 for them.
"""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from glimpse.choices import Form, MaskKind, MaskSide, NeckFeat, SchedulerKind, Size, UnknownCamera
from glimpse.errors import OptionError
from glimpse.ranges import Epochs, Margin, Positive, Seed, ShareBelowOne, Stride, Weight
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

_UPDATE = "dpm.md, 'Updates'"


@dataclass(frozen=True)
class DpmRecipe(Checked):
    """DPM: an image's own mask says in which dimensions it is compared; as for Occluded-Duke.

    What other data sets change is in `glimpse.recipes.dpm`. Without mask, second classification
    and enrichment (`mask=none masked-weight=0 identity-weight=1 enrichment-weight=0`) it is the ViT
    baseline; `mask=none` alone is ArcFace without a mask.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        mask: what makes the masks, or none.
        form: how backbone and mask head are trained by turns.
        stride: of patches, in sixteenths of a patch; 11 and 12 overlap.
        cameras: whether each camera of the training rows has an embedding.
        camera_weight: of the camera embedding.
        unknown_camera: what stands for other cameras; it moves Rank-1 by points where cameras are unknown.
        drop_path: of the last block.
        epochs: of training.
        smoothing: of the labels, in the plain classification.
        identity_weight: of the plain classification.
        masked_weight: of the masked one.
        triplet_from: the epoch in which the triplet loss joins.
        scale: of the masked cosines.
        margin: ArcFace's, in radians.
        enrichment_weight: of the loss that makes heads look at different places, in its mean form.
        participation: the least share of dimensions that a mask should use; 0 for no such loss.
        train_mask_side: what the mask is applied to in the classification: `query` or `subspace`.
        test_mask_side: what the mask is applied to between images.
        neck_feat: whether images are compared before the neck or after it.
        optimizer: of everything but the mask head.
        mask_optimizer: of the mask head.
        sampler: of the batches.
        augment: what is done to images.
        transfer: occlusions taken from other images of the batch (SPT).
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = read_in_code(Size.BASE, "dpm.md, 'Backbone': ViT-B/16")
    weights: str = our_choice("auto", WEIGHTS)
    mask: MaskKind = read_in_code(MaskKind.FULL, "dpm.md, 'Mask head'; light is ours, 6.4")
    form: Form = read_in_code(Form.RELEASED, f"{_UPDATE}; cached and joint are ours")
    stride: Stride = read_in_code(11, f"{_UPDATE}: 12 for Market and Duke")
    cameras: bool = read_in_code(True, "dpm.md, 'Backbone'")
    camera_weight: Weight = read_in_code(3.0, "dpm.md, 'Backbone'")
    unknown_camera: UnknownCamera = our_choice(
        UnknownCamera.ZERO, "dpm.md, 'Unknown cameras': the code takes some camera's number"
    )
    drop_path: ShareBelowOne = read_in_code(0.1, "transreid.md, 'Backbone'")
    epochs: Epochs = read_in_code(150, _UPDATE)
    smoothing: ShareBelowOne = read_in_code(0.0, "baselines.md, 'Losses'")
    identity_weight: Weight = read_in_code(0.5, "dpm.md, 'Total loss'")
    masked_weight: Weight = read_in_code(0.5, "dpm.md, 'Total loss'")
    triplet_from: Epochs = our_choice(1, "later from scratch, where the triplet loss alone ends at one point")
    scale: Positive = read_in_code(30.0, "dpm.md, 'Masked ArcFace'")
    margin: Margin = read_in_code(0.5, "dpm.md, 'Masked ArcFace': 0.3 for Market and Duke")
    enrichment_weight: Weight = read_in_code(
        6.4, "dpm.md, 'Head enrichment': .1 on the sum over a batch of 64"
    )
    participation: ShareBelowOne = our_choice(
        0.0, "off, as released; DPM++'s design asks for 0.6 (dpmpp.md, 'Losses')"
    )
    train_mask_side: MaskSide = read_in_code(MaskSide.QUERY, "dpm.md, 'Masked ArcFace'")
    test_mask_side: MaskSide = read_in_code(MaskSide.QUERY, "dpm.md, 'Retrieval'")
    neck_feat: NeckFeat = read_in_code(NeckFeat.BEFORE, "dpm.md, 'Retrieval'")
    optimizer: OptimizerRecipe = group(OptimizerRecipe)
    mask_optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        scheduler=read_in_code(
            SchedulerKind.CONSTANT, f"{_UPDATE}: the schedule is attached to the other one only"
        ),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    transfer: TransferRecipe = group(TransferRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "vit"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_mask_side not in (MaskSide.QUERY, MaskSide.SUBSPACE):
            raise OptionError(f"train_mask_side must be query or subspace, got {self.train_mask_side}")


# read in the authors' code: stride and margin of the Market and Duke configurations
_MARKET_AND_DUKE = ("stride=12", "margin=0.3")

# read in the authors' code and its issues: 50 epochs, .01 on the sum over a batch of 64, ColorJitter
_FROM_MARKET = (
    *_MARKET_AND_DUKE,
    "epochs=50",
    "enrichment-weight=0.64",
    "augment.brightness=0.3",
    "augment.contrast=0.3",
    "augment.saturation=0.2",
    "augment.hue=0.2",
)

DPM_SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "occluded_duke": (),
        "market1501-to-occluded_reid": _FROM_MARKET,
        # our choice: as for Occluded-REID, the sources are silent
        "market1501-to-partial_reid": _FROM_MARKET,
        "market1501-to-partial_ilids": _FROM_MARKET,
        # our choice: Duke's 150 epochs; the released Market configuration is made for Occluded-REID
        "market1501": _MARKET_AND_DUKE,
        "dukemtmc": _MARKET_AND_DUKE,
        # our choice: as for Market and Duke, the sources are silent
        "msmt17": _MARKET_AND_DUKE,
    }
)
"""By data set, or by source and target: what the recipe changes, as `--set` takes it."""

_UNMASKED = ("mask=none",)
_ONE_CLASSIFICATION = (*_UNMASKED, "masked-weight=0", "identity-weight=1")

DPM_ARMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "baseline": (*_ONE_CLASSIFICATION, "enrichment-weight=0"),
        "enrichment": _ONE_CLASSIFICATION,
        "arcface": (*_UNMASKED, "enrichment-weight=0"),
        "static-mask": ("mask=static", "enrichment-weight=0"),
        "mask": ("enrichment-weight=0",),
        "dpm": (),
    }
)
"""The arms of DPM's ablation: what the recipe changes. Everything else, the ViT too, is the same in all.

`arcface` and `static-mask` are controls: a gain that they show as well is none of the mask's. Controls at
test time, without a mask or with another query's, are in `glimpse.evaluation.masks`.
"""


WORLD: tuple[str, ...] = (
    "epochs=20",
    "mask=light",
    "form=joint",
    "stride=16",
    "margin=0.3",
    "enrichment-weight=0.64",
    # the form that does no harm, on the features that the masks are trained on
    "train-mask-side=subspace",
    "test-mask-side=subspace",
    "neck-feat=after",
    *adamw("optimizer"),
    *adamw("mask-optimizer"),
    "mask-optimizer.scheduler=cosine",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
