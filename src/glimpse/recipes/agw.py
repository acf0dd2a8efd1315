"""The recipe of AGW (agw.md)."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from glimpse.choices import (
    EpochLength,
    ImageBackbone,
    NeckFeat,
    NonLocalWidth,
    OptimizerKind,
    Pool,
    SchedulerKind,
    Size,
)
from glimpse.ranges import Epochs, Factor, Margin, Positive, Seed, ShareBelowOne, Stride, Weight
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

_HERE, _VIT = "agw.md, 'Constants'", "agw.md, 'The ViT form', which is ours"


@dataclass(frozen=True)
class AgwRecipe(Checked):
    """AGW, the visible-infrared baseline: a stem per modality, the rest shared.

    Attributes:
        size: of the backbone.
        weights: what the backbone starts from: `auto`, `none`, or where weights lie.
        backbone: a ResNet, or a ViT with an embedding of the modality.
        two_stems: of a ResNet: a stem for each modality.
        non_local: of a ResNet: non-local blocks in the second and third stage.
        non_local_width: their inner channels.
        pool: of a ResNet.
        gem_power: p of the generalized mean.
        stride: of a ViT's patches, in sixteenths of a patch.
        modality_weight: of a ViT's modality embedding; 0 for none.
        drop_path: of a ViT's last block.
        neck_feat: where the embedding is taken.
        epochs: of training.
        smoothing: of the labels.
        weighted: the weighted regularized triplet loss; else batch-hard with a margin.
        margin: of the batch-hard triplet loss.
        cross_modal: weight of the hetero-center triplet loss.
        cross_margin: its margin.
        backbone_lr_factor: multiplies the backbone's learning rate.
        optimizer: of everything.
        sampler: of the batches.
        augment: what is done to images.
        validation: how the best epoch is found.
        seed: of everything that is drawn.
    """

    size: Size = given(Size.BASE, f"{_HERE}: ResNet-50")
    weights: str = our_choice("auto", WEIGHTS)
    backbone: ImageBackbone = given(ImageBackbone.RESNET, f"{_HERE}; the ViT form is ours")
    two_stems: bool = given(True, _HERE)
    non_local: bool = given(True, _HERE)
    non_local_width: NonLocalWidth = read_in_code(NonLocalWidth.ONE, f"{_HERE}: a slip; the paper means half")
    pool: Pool = given(Pool.GENERALIZED_MEAN, _HERE)
    gem_power: Positive = read_in_code(3.0, f"{_HERE}: fixed")
    stride: Stride = our_choice(16, _VIT)
    modality_weight: Factor = our_choice(3.0, f"{_VIT}: as TransReID's cameras")
    drop_path: ShareBelowOne = our_choice(0.1, f"{_VIT}: as TransReID")
    neck_feat: NeckFeat = read_in_code(NeckFeat.AFTER, f"{_HERE}: both are reported, this chooses the epoch")
    epochs: Epochs = read_in_code(81, _HERE)
    smoothing: ShareBelowOne = read_in_code(0.0, _HERE)
    weighted: bool = given(True, _HERE)
    margin: Margin = read_in_code(0.3, f"{_HERE}: of its base method")
    cross_modal: Weight = our_choice(0.0, "agw.md, 'Training aids': off")
    cross_margin: Margin = our_choice(0.3, "agw.md, 'Training aids'")
    backbone_lr_factor: Factor = read_in_code(0.1, _HERE)
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=read_in_code(OptimizerKind.SGD, _HERE),
        lr=read_in_code(0.1, _HERE),
        weight_decay=read_in_code(5e-4, _HERE),
        momentum=read_in_code(0.9, _HERE),
        nesterov=read_in_code(True, _HERE),
        bias_lr_factor=read_in_code(1.0, _HERE),
        scheduler=read_in_code(SchedulerKind.STEPS, _HERE),
        warmup=read_in_code(10, _HERE),
        warmup_start=read_in_code(0.0, f"{_HERE}: the first epoch has a tenth of the rate"),
        milestones=read_in_code((21, 51), f"{_HERE}: epochs 20 and 50, counted from 0"),
        factor=read_in_code(0.1, _HERE),
    )
    sampler: SamplerRecipe = group(
        SamplerRecipe,
        persons=read_in_code(8, _HERE),
        images=read_in_code(4, f"{_HERE}: of each modality"),
        balanced=read_in_code(True, _HERE),
        length=read_in_code(EpochLength.LARGER, _HERE),
    )
    augment: AugmentRecipe = group(
        AugmentRecipe,
        size=read_in_code((288, 144), _HERE),
        mean=read_in_code(IMAGENET_MEAN, _HERE),
        std=read_in_code(IMAGENET_STD, _HERE),
        erasing=read_in_code(0.0, f"{_HERE}: none"),
    )
    validation: ValidationRecipe = group(ValidationRecipe)
    seed: Seed = our_choice(0, SEED)

    @property
    def pretrained(self) -> str:
        """The kind of the weights that `auto` looks for (`glimpse.models.pretrained`)."""
        return "vit" if self.backbone is ImageBackbone.VIT else "resnet"


WORLD: tuple[str, ...] = (
    "epochs=20",
    "optimizer.kind=adam",
    "optimizer.nesterov=false",
    "optimizer.lr=1e-3",
    "optimizer.warmup=2",
    "optimizer.milestones=12,17",
    "backbone-lr-factor=1",
)
"""What a small backbone on a rendered world and a CPU wants otherwise, as `--set` takes it; our choice."""
