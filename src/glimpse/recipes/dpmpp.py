"""DPM++'s recipe, what other data sets and ImageNet's backbone change, and the world's (dpmpp.md).

Occluded-REID, Partial-REID and Partial-iLIDS have no training rows: train on Market-1501 for them.
"""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from glimpse.choices import (
    Backbone,
    Copies,
    Form,
    MaskKind,
    MaskSide,
    NeckFeat,
    OptimizerKind,
    SchedulerKind,
    Size,
    UnknownCamera,
)
from glimpse.errors import OptionError
from glimpse.ranges import (
    BatchSize,
    Count,
    CountOrNone,
    Epochs,
    EpochsOrNone,
    Factor,
    Margin,
    Positive,
    Range,
    Seed,
    Share,
    ShareBelowOne,
    Stride,
    Weight,
)
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
from glimpse.serial import to_text

_DESIGN = "dpmpp.md, 'Schedule': our design, the sources leave it open"
_LOSS = "dpmpp.md, 'Losses': our design"
_PAIRS = "dpmpp.md, 'Synthetic copies': our design"


@dataclass(frozen=True)
class CopiesRecipe(Checked):
    """Synthetic occluded copies in every batch; a share of 0 turns them off."""

    share: Share = our_choice(0.5, _PAIRS)
    kind: Copies = given(Copies.TRANSFER, "dpmpp.md, 'What is given': from the training data itself")
    bank: Count = our_choice(4096, f"{_PAIRS}; donors in memory")
    overlap: Share = our_choice(0.7, f"{_PAIRS}, as SPT's; least OIoU")
    visible: tuple[Share, Share] = our_choice((0.3, 0.9), f"{_PAIRS}; the person's share that stays")
    tolerance: Share = our_choice(0.1, _PAIRS)
    best: Count = our_choice(5, f"{_PAIRS}; donors to draw among")
    shift: CountOrNone = our_choice(2, f"{_PAIRS}; columns of cells")
    smallest: Count = our_choice(4, "spt.md, 'Pairing'")
    border: CountOrNone = our_choice(
        1, "cells around a donor's person that hide it whole; at 0 copies do harm"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.visible[0] > self.visible[1]:
            raise OptionError(f"visible must grow, got {to_text(self.visible)}")

    @property
    def needs_masks(self) -> bool:
        """Whether somebody must say where the persons are."""
        return self.share > 0 and self.kind is Copies.TRANSFER


@dataclass(frozen=True)
class DpmppRecipe(Checked):
    """DPM++: masks that learn from pairs of whole and occluded images, prototypes that know words.

    As for Occluded-Duke, on CLIP; what other data sets change is in `glimpse.recipes.dpmpp`.
    The form for ImageNet's backbone is `backbone=vit`, without texts.

    Attributes:
        size: of the backbone.
        weights: what it starts from: `auto`, `none`, or where weights lie.
        backbone: `clip`, or `vit` for ImageNet's, which has no texts.
        text: whether words of persons are learned and supervise the backbone; only with CLIP.
        pull_back: whether the prototypes start from the words.
        prototype_weight: of the loss that keeps prototypes as alike as the words; it fades out.
        prototype_temperature: of that loss.
        stripes: blocks of the descriptor that each see one stripe of the image and nothing else; each
            costs a pass over its patches. 0 as published.
        mask: what makes the masks, or none.
        form: how backbone and mask head are trained by turns.
        stride: of patches, in sixteenths of a patch; 12 makes them overlap.
        cameras: whether each camera of the training rows has an embedding.
        camera_weight: of the camera embedding.
        unknown_camera: what stands for other cameras.
        drop_path: of the last block.
        prompt_epochs: of the words' stage.
        prompt_batch: image vectors in a batch of that stage.
        adapt_epochs: of the epochs those at the beginning in which there are no masks.
        epochs: of the backbone's training.
        smoothing: of the labels, in the plain classification.
        identity_weight: of each plain classification.
        masked_weight: of the masked one.
        text_weight: of the image-to-text loss.
        triplet_margin: of the triplet losses, or none for the soft form.
        triplet_copies: whether copies are anchors, positives and negatives too.
        scale: of masked cosines.
        margin: ArcFace's, in radians.
        pair_weight: of the loss between occluded and whole images.
        enrichment_weight: of the loss that makes heads look at different places, in its mean form.
        participation: the least share of dimensions that a mask should use; 0 for no such loss.
        budget_weight: of that loss.
        wider_weight: of the loss that keeps a copy from using more dimensions than its source.
        visibility_weight: of the loss that shows a mask what an occlusion took away.
        stripe_weight: of the loss that tells the masks of stripes where the person is seen.
        train_mask_side: what the mask is applied to in training: `query` or `subspace`.
        test_mask_side: what the mask is applied to between images.
        neck_feat: whether images are compared before the neck or after it.
        prompt_optimizer: of the words.
        optimizer: of everything but words and mask head.
        head_lr_factor: multiplies the rate of prototypes and necks.
        mask_optimizer: of the mask head.
        sampler: of the batches.
        augment: what is done to images.
        transfer: the synthetic copies.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = our_choice(Size.BASE, "dpmpp.md, 'What ports say': a port says CLIP ViT-B/16")
    weights: str = our_choice("auto", WEIGHTS)
    backbone: Backbone = given(Backbone.CLIP, "dpmpp.md, 'What is given'")
    text: bool = given(True, "dpmpp.md, 'What is given'")
    pull_back: bool = our_choice(True, "dpmpp.md, 'Initialization from text': our design")
    prototype_weight: Weight = our_choice(0.1, "dpmpp.md, 'Prototype alignment': our design")
    prototype_temperature: Positive = our_choice(0.1, "dpmpp.md, 'Prototype alignment': our design")
    stripes: Annotated[int, Range(0, 16)] = our_choice(
        0, "dpmpp.md, 'Architecture': none; the world's recipe has them"
    )
    mask: MaskKind = our_choice(MaskKind.LIGHT, "dpmpp.md, 'Architecture'; full is DPM's")
    form: Form = our_choice(Form.CACHED, "dpmpp.md, 'Losses'")
    stride: Stride = our_choice(16, "dpmpp.md, 'Architecture'")
    cameras: bool = our_choice(True, "dpmpp.md, 'Architecture': on where cameras are known at test")
    camera_weight: Weight = our_choice(1.0, "dpmpp.md, 'Architecture'")
    unknown_camera: UnknownCamera = our_choice(UnknownCamera.ZERO, "as DPM's")
    drop_path: ShareBelowOne = our_choice(0.0, "CLIP-ReID has none")
    prompt_epochs: Epochs = read_in_code(120, "dpmpp.md, 'Schedule': CLIP-ReID's")
    prompt_batch: BatchSize = read_in_code(64, "clip-reid.md, 'Stage 1 prompts': CLIP-ReID's")
    adapt_epochs: EpochsOrNone = our_choice(10, "dpmpp.md, 'Stages': the warm-up")
    epochs: Epochs = our_choice(60, _DESIGN)
    smoothing: ShareBelowOne = our_choice(0.1, "dpmpp.md, 'Losses', as CLIP-ReID's")
    identity_weight: Weight = our_choice(0.25, _LOSS)
    masked_weight: Weight = our_choice(0.25, _LOSS)
    text_weight: Weight = our_choice(1.0, _LOSS)
    triplet_margin: Margin | None = our_choice(0.3, _LOSS)
    triplet_copies: bool = our_choice(True, _LOSS)
    scale: Positive = read_in_code(30.0, "dpm.md, 'Masked ArcFace': DPM's")
    margin: Margin = read_in_code(0.5, "dpm.md, 'Masked ArcFace': DPM's; 0.3 for Market and Duke")
    pair_weight: Weight = our_choice(0.5, _LOSS)
    enrichment_weight: Weight = our_choice(
        6.4, "dpmpp.md, 'Losses': DPM's for Occluded-Duke, 0.64 for Market"
    )
    participation: ShareBelowOne = our_choice(0.6, _LOSS)
    budget_weight: Weight = our_choice(1.0, _LOSS)
    wider_weight: Weight = our_choice(0.1, _LOSS)
    visibility_weight: Weight = our_choice(0.0, f"{_LOSS}, off; the world's recipe has it")
    stripe_weight: Weight = our_choice(0.0, "there are no stripes in the design; the world's recipe has it")
    train_mask_side: MaskSide = read_in_code(MaskSide.QUERY, "dpmpp.md, 'Losses', 3.5")
    test_mask_side: MaskSide = read_in_code(MaskSide.QUERY, "dpmpp.md, 'Retrieval', 3.8")
    neck_feat: NeckFeat = our_choice(NeckFeat.BEFORE, "dpmpp.md, 'Retrieval': DPM's")
    prompt_optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=read_in_code(OptimizerKind.ADAM, "clip-reid.md, 'Stage 1 prompts'"),
        lr=read_in_code(3.5e-4, "clip-reid.md, 'Stage 1 prompts'"),
        bias_lr_factor=read_in_code(1.0, "clip-reid.md, 'Stage 1 prompts': words are no biases"),
        warmup_start=read_in_code(1e-5 / 3.5e-4, "clip-reid.md, 'Stage 1 prompts': 1e-5"),
        minimum=read_in_code(1e-6 / 3.5e-4, "clip-reid.md, 'Stage 1 prompts': 1e-6"),
    )
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=our_choice(OptimizerKind.ADAM, _DESIGN),
        lr=our_choice(5e-6, _DESIGN),
        scheduler=our_choice(SchedulerKind.STEPS, _DESIGN),
        warmup=our_choice(10, _DESIGN),
        warmup_start=our_choice(0.1, _DESIGN),
        milestones=our_choice((30, 50), _DESIGN),
        clip=our_choice(5.0, _DESIGN),
    )
    head_lr_factor: Factor = our_choice(
        10.0, f"{_DESIGN}; what starts at random starves at the backbone's rate"
    )
    mask_optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=our_choice(OptimizerKind.ADAM, _DESIGN),
        lr=our_choice(3.5e-4, _DESIGN),
        scheduler=our_choice(SchedulerKind.STEPS, f"{_DESIGN}; DPM's constant rate is an accident"),
        warmup=our_choice(10, _DESIGN),
        warmup_start=our_choice(0.1, _DESIGN),
        milestones=our_choice((30, 50), _DESIGN),
        clip=our_choice(5.0, _DESIGN),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(AugmentRecipe)
    transfer: CopiesRecipe = group(CopiesRecipe)
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return self.backbone.value

    @property
    def tells_stripes(self) -> bool:
        """Whether masks say how much of the person each stripe shows."""
        return self.stripes > 0 and self.mask in (MaskKind.LIGHT, MaskKind.FULL)

    @property
    def needs_masks(self) -> bool:
        """Whether somebody must say where the persons are."""
        return self.transfer.needs_masks or self.tells_stripes

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_mask_side not in (MaskSide.QUERY, MaskSide.SUBSPACE):
            raise OptionError(f"train_mask_side must be query or subspace, got {self.train_mask_side}")
        if self.adapt_epochs >= self.epochs:
            raise OptionError(
                f"adapt_epochs must be fewer than the {self.epochs} epochs, got {self.adapt_epochs}"
            )
        if self.tells_stripes and not (self.stripe_weight and self.transfer.share):
            raise OptionError(
                "nothing tells the masks of stripes what is seen: "
                f"stripe-weight and transfer.share must be above 0, got {self.stripe_weight} "
                f"and {self.transfer.share}"
            )
        if self.backbone is Backbone.VIT and self.text:
            raise OptionError("only CLIP knows words: set text=false with backbone=vit")


# as DPM's for these data sets (dpmpp.md, "Losses"): a smaller margin, a tenth of the enrichment
_MARKET_AND_DUKE = ("margin=0.3", "enrichment-weight=0.64")

# cameras of the other data set are unknown (dpmpp.md, "Architecture"); jitter as DPM has it
_FROM_MARKET = (
    *_MARKET_AND_DUKE,
    "cameras=false",
    "augment.brightness=0.3",
    "augment.contrast=0.3",
    "augment.saturation=0.2",
    "augment.hue=0.2",
)

DPMPP_SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "occluded_duke": (),
        "market1501-to-occluded_reid": _FROM_MARKET,
        "market1501-to-partial_reid": _FROM_MARKET,
        "market1501-to-partial_ilids": _FROM_MARKET,
        "market1501": _MARKET_AND_DUKE,
        "dukemtmc": _MARKET_AND_DUKE,
        "msmt17": _MARKET_AND_DUKE,
    }
)
"""By data set, or by source and target: what the recipe changes, as `--set` takes it; all our choice."""

IMAGENET: tuple[str, ...] = (
    "backbone=vit",
    "text=false",
    "epochs=150",
    "smoothing=0",
    "identity-weight=0.5",
    "masked-weight=0.5",
    "triplet-margin=none",
    "camera-weight=3",
    "drop-path=0.1",
    "head-lr-factor=1",
    "optimizer.kind=sgd",
    "optimizer.lr=0.008",
    "optimizer.scheduler=cosine",
    "optimizer.warmup=5",
    "optimizer.warmup-start=0.01",
    "optimizer.milestones=",
    "mask-optimizer.kind=sgd",
    "mask-optimizer.lr=0.008",
    "mask-optimizer.scheduler=cosine",
    "mask-optimizer.warmup=5",
    "mask-optimizer.warmup-start=0.01",
    "mask-optimizer.milestones=",
)
"""The form without texts: DPM's recipe, with copies, pair loss and budget (dpmpp.md, "Schedule")."""


WORLD: tuple[str, ...] = (
    "prompt-epochs=10",
    "prompt-optimizer.lr=1e-2",
    "adapt-epochs=2",
    "epochs=20",
    "form=joint",
    "stride=12",
    "head-lr-factor=1",
    "identity-weight=0.75",
    "margin=0.3",
    "enrichment-weight=0.064",
    # harder pairs, and copies among the triplets, do harm in so short a training
    "pair-weight=0.05",
    "triplet-copies=false",
    # at a half, copies cost two points of Rank-1 on whole images and gain nothing more
    "transfer.share=0.25",
    "visibility-weight=0.5",
    "stripes=3",
    "stripe-weight=1",
    # the form that does no harm, on the features that the masks are trained on
    "train-mask-side=subspace",
    "test-mask-side=subspace",
    "neck-feat=after",
    *adamw("optimizer", "3e-3"),
    "optimizer.scheduler=cosine",
    "optimizer.milestones=",
    "optimizer.clip=none",
    *adamw("mask-optimizer", "1e-2"),
    "mask-optimizer.scheduler=cosine",
    "mask-optimizer.milestones=",
    "mask-optimizer.clip=none",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
