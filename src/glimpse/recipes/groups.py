"""The groups of keys that recipes share, and what a training run reads of any recipe. Without torch."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, Protocol, TypeVar

from glimpse.choices import EpochLength, Fill, Mixing, OptimizerKind, SchedulerKind, Size
from glimpse.errors import OptionError
from glimpse.ranges import (
    BatchSize,
    Count,
    Epochs,
    EpochsOrNone,
    Factor,
    LearningRate,
    Pixels,
    Positive,
    Range,
    Share,
    ShareAboveZero,
    ShareBelowOne,
)
from glimpse.recipes.provenance import Checked, given, our_choice, read_in_code
from glimpse.serial import to_text

_AUGMENT = "baselines.md, 'Images and augmentation'"
_OPTIMIZER = "transreid.md, 'Optimization'"
_BATCH = Range(1, 16_384)


@dataclass(frozen=True)
class OptimizerRecipe(Checked):
    """An optimizer and the scheduler of its learning rate."""

    kind: OptimizerKind = read_in_code(OptimizerKind.SGD, _OPTIMIZER)
    lr: LearningRate = read_in_code(0.008, _OPTIMIZER)
    weight_decay: Share = read_in_code(1e-4, _OPTIMIZER)
    momentum: ShareBelowOne = read_in_code(0.9, _OPTIMIZER)
    nesterov: bool = read_in_code(False, _OPTIMIZER)
    bias_lr_factor: Factor = read_in_code(2.0, "baselines.md, 'Optimizers' learn twice as fast")
    scheduler: SchedulerKind = read_in_code(SchedulerKind.COSINE, _OPTIMIZER)
    warmup: EpochsOrNone = read_in_code(5, f"{_OPTIMIZER}: epochs")
    warmup_start: Share = read_in_code(0.01, f"{_OPTIMIZER}: as a part of the rate")
    minimum: Share = read_in_code(0.002, f"{_OPTIMIZER}: where the cosine ends, as a part of the rate")
    milestones: tuple[Epochs, ...] = our_choice((), "epochs at which steps fall; a cosine has none")
    factor: Share = our_choice(0.1, "of each step; as BoT, CLIP-ReID and AGW have it")
    clip: Positive | None = our_choice(None, "no source clips, but DPM++'s design clips at 5")

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.milestones) != sorted(set(self.milestones)):
            raise OptionError(f"milestones must grow, got {to_text(self.milestones)}")
        if self.nesterov and not self.momentum:
            raise OptionError("nesterov needs a momentum above 0")


@dataclass(frozen=True)
class SamplerRecipe(Checked):
    """P persons x K images per batch; balanced, K of every modality."""

    persons: BatchSize = read_in_code(16, "baselines.md, 'PK sampler'")
    images: BatchSize = read_in_code(4, "baselines.md, 'PK sampler'")
    balanced: bool = our_choice(
        False, "K of every modality, as AGW and SIM (baselines.md, 'Balanced sampler')"
    )
    distinct: bool = our_choice(
        False, "every image of a person before one again (baselines.md, 'PK sampler')"
    )
    length: EpochLength = our_choice(EpochLength.IMAGES, "of an epoch, balanced")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.persons * self.images not in _BATCH:
            raise OptionError(
                f"the images of a batch must be {_BATCH}, got {self.persons} persons x {self.images} images"
            )


@dataclass(frozen=True)
class AugmentRecipe(Checked):
    """What is done to training images."""

    size: tuple[Pixels, Pixels] = given((256, 128), f"{_AUGMENT}: height, width")
    mean: tuple[Share, Share, Share] = read_in_code((0.5, 0.5, 0.5), f"{_AUGMENT}: every ViT")
    std: tuple[Positive, Positive, Positive] = read_in_code((0.5, 0.5, 0.5), f"{_AUGMENT}: every ViT")
    flip: Share = read_in_code(0.5, f"{_AUGMENT}: probability")
    padding: Annotated[int, Range(0, 1024)] = read_in_code(10, f"{_AUGMENT}: pixels")
    padding_fill: Annotated[int, Range(0, 255)] = read_in_code(0, _AUGMENT)
    erasing: Share = read_in_code(0.5, f"{_AUGMENT}: probability")
    erasing_area: tuple[ShareAboveZero, ShareAboveZero] = read_in_code(
        (0.02, 1 / 3), f"{_AUGMENT}: share of the image"
    )
    erasing_fill: Fill = read_in_code(Fill.NOISE, _AUGMENT)
    brightness: Share = read_in_code(0.0, f"{_AUGMENT}: jitter only from Market to Occluded-REID")
    contrast: Share = read_in_code(0.0, _AUGMENT)
    saturation: Share = read_in_code(0.0, _AUGMENT)
    hue: Annotated[float, Range(0, 0.5)] = read_in_code(0.0, _AUGMENT)
    gray: Share = our_choice(0.0, "probability that colors are taken out; for training with infrared")
    exchange: Share = our_choice(
        0.0, "probability that one channel takes the place of all; for training with infrared"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.erasing_area[0] > self.erasing_area[1]:
            raise OptionError(f"erasing_area must grow, got {to_text(self.erasing_area)}")


@dataclass(frozen=True)
class ValidationRecipe(Checked):
    """How the epoch is found that is reported as the best, without a look at the test set."""

    share: ShareBelowOne = our_choice(
        0.1, "of the training persons; the sources choose on the test set, or not at all"
    )
    every: Epochs = our_choice(10, "epochs between validations")


@dataclass(frozen=True)
class TransferRecipe(Checked):
    """Patch transfer (SPT) in the training of a host; a share of 0 turns it off."""

    share: Share = our_choice(
        0.0, "off in the hosts' papers; 0.5 in SPT's design, as the paper's is not known"
    )
    mixing: Mixing = our_choice(
        Mixing.PIXELS,
        "equal to embeddings without overlapping patches, and right with them (spt.md, 'Transfer')",
    )
    candidates: ShareAboveZero = read_in_code(
        0.1, "spt.md, 'Pairing': share of the batch, the best overlaps first"
    )
    overlap: Share = read_in_code(0.7, "spt.md, 'Pairing': least OIoU")
    smallest: Count = our_choice(4, "spt.md, 'Pairing'")
    distinct: bool = our_choice(True, "spt.md, 'Pairing': a donor counts once, not once per roll")
    rolled: bool = our_choice(False, "spt.md, 'Pairing': the released code throws the roll away")
    same_person: bool = read_in_code(True, "spt.md, 'Pairing': may lend")

    @property
    def needs_masks(self) -> bool:
        """Whether somebody must say where the persons are."""
        return self.share > 0


WEIGHTS = "auto: the shipped weights of micro and tiny; the papers' own starts are not ours to ship"
SEED = "any will do"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_IMAGES: Mapping[Size, tuple[int, int]] = MappingProxyType(
    {Size.MICRO: (64, 32), Size.TINY: (128, 64), Size.SMALL: (256, 128), Size.BASE: (256, 128)}
)


class Recipe(Protocol):
    """What a training run reads of any recipe."""

    @property
    def size(self) -> Size:
        """Of the backbone."""
        ...

    @property
    def augment(self) -> AugmentRecipe:
        """The images' size among it."""
        ...

    @property
    def validation(self) -> ValidationRecipe:
        """How the best epoch is found."""
        ...

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        ...


R = TypeVar("R")


def scaled(recipe: R, size: Size) -> R:
    """The recipe for a backbone of another size: its images, and the padding in proportion, change too.

    >>> from glimpse.recipes.bot import BoTRecipe
    >>> small = scaled(BoTRecipe(), Size.TINY)
    >>> small.size.value, small.augment.size, small.augment.padding
    ('tiny', (128, 64), 5)
    """
    given: Any = recipe
    if size is given.size:  # as published
        return recipe
    height, width = _IMAGES[size]
    padding = round(given.augment.padding * height / given.augment.size[0])
    scaled: R = replace(
        given, size=size, augment=replace(given.augment, size=(height, width), padding=padding)
    )
    return scaled


def adamw(name: str, lr: str = "1e-3") -> tuple[str, ...]:
    """Settings that make the optimizer `name` an AdamW: the published SGD suits published weights.

    >>> adamw("optimizer")[:2]
    ('optimizer.kind=adamw', 'optimizer.lr=1e-3')
    """
    return (
        f"{name}.kind=adamw",
        f"{name}.lr={lr}",
        f"{name}.weight-decay=0.05",
        f"{name}.warmup=2",
    )
