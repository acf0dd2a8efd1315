"""The groups of keys that recipes share, and what a training run reads of any recipe. Without torch."""

# ruff: noqa: RUF009 (the calls make dataclass fields)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from glimpse.choices import Fill, Mixing, OptimizerKind, SchedulerKind, Size
from glimpse.errors import OptionError
from glimpse.recipes.provenance import given, our_choice, read_in_code

_AUGMENT = "baselines.md, 'Images and augmentation'"
_OPTIMIZER = "transreid.md, 'Optimization'"


@dataclass(frozen=True)
class OptimizerRecipe:
    """An optimizer and the scheduler of its learning rate."""

    kind: OptimizerKind = read_in_code(OptimizerKind.SGD, _OPTIMIZER)
    lr: float = read_in_code(0.008, _OPTIMIZER)
    weight_decay: float = read_in_code(1e-4, _OPTIMIZER)
    momentum: float = read_in_code(0.9, _OPTIMIZER)
    nesterov: bool = read_in_code(False, _OPTIMIZER)
    bias_lr_factor: float = read_in_code(2.0, "baselines.md, 'Optimizers' learn twice as fast")
    scheduler: SchedulerKind = read_in_code(SchedulerKind.COSINE, _OPTIMIZER)
    warmup: int = read_in_code(5, f"{_OPTIMIZER}: epochs")
    warmup_start: float = read_in_code(0.01, f"{_OPTIMIZER}: as a part of the rate")
    minimum: float = read_in_code(0.002, f"{_OPTIMIZER}: where the cosine ends, as a part of the rate")
    milestones: tuple[int, ...] = our_choice((), "epochs at which steps fall; a cosine has none")
    factor: float = our_choice(0.1, "of each step; as BoT, CLIP-ReID and AGW have it")
    clip: float | None = our_choice(None, "no source clips, but DPM++'s design clips at 5")

    def __post_init__(self) -> None:
        for name in ("lr", "weight_decay", "bias_lr_factor", "warmup", "warmup_start", "minimum"):
            if getattr(self, name) < 0:
                raise OptionError(f"{name} cannot be negative, got {getattr(self, name)}")


@dataclass(frozen=True)
class SamplerRecipe:
    """P persons x K images per batch; balanced, K of every modality."""

    persons: int = read_in_code(16, "baselines.md, 'PK sampler'")
    images: int = read_in_code(4, "baselines.md, 'PK sampler'")
    balanced: bool = our_choice(
        False, "K of every modality, as AGW and SIM (baselines.md, 'Balanced sampler')"
    )
    distinct: bool = our_choice(
        False, "every image of a person before one again (baselines.md, 'PK sampler')"
    )

    def __post_init__(self) -> None:
        if self.persons < 1 or self.images < 1:
            raise OptionError(
                f"a batch needs at least 1 person and 1 image each, got {self.persons} x {self.images}"
            )


@dataclass(frozen=True)
class AugmentRecipe:
    """What is done to training images."""

    size: tuple[int, int] = given((256, 128), f"{_AUGMENT}: height, width")
    mean: tuple[float, float, float] = read_in_code((0.5, 0.5, 0.5), f"{_AUGMENT}: every ViT")
    std: tuple[float, float, float] = read_in_code((0.5, 0.5, 0.5), f"{_AUGMENT}: every ViT")
    flip: float = read_in_code(0.5, f"{_AUGMENT}: probability")
    padding: int = read_in_code(10, f"{_AUGMENT}: pixels")
    padding_fill: int = read_in_code(0, _AUGMENT)
    erasing: float = read_in_code(0.5, f"{_AUGMENT}: probability")
    erasing_area: tuple[float, float] = read_in_code((0.02, 1 / 3), f"{_AUGMENT}: share of the image")
    erasing_fill: Fill = read_in_code(Fill.NOISE, _AUGMENT)
    brightness: float = read_in_code(0.0, f"{_AUGMENT}: jitter only from Market to Occluded-REID")
    contrast: float = read_in_code(0.0, _AUGMENT)
    saturation: float = read_in_code(0.0, _AUGMENT)
    hue: float = read_in_code(0.0, _AUGMENT)
    gray: float = our_choice(0.0, "probability that colors are taken out; for training with infrared")

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise OptionError(f"size must be a height and a width of at least 1, got {self.size}")


@dataclass(frozen=True)
class ValidationRecipe:
    """How the epoch is found that is reported as the best, without a look at the test set."""

    share: float = our_choice(
        0.1, "of the training persons; the sources choose on the test set, or not at all"
    )
    every: int = our_choice(10, "epochs between validations")


@dataclass(frozen=True)
class TransferRecipe:
    """Patch transfer (SPT) in the training of a host; a share of 0 turns it off."""

    share: float = our_choice(
        0.0, "off in the hosts' papers; 0.5 in SPT's design, as the paper's is not known"
    )
    mixing: Mixing = our_choice(
        Mixing.PIXELS,
        "equal to embeddings without overlapping patches, and right with them (spt.md, 'Transfer')",
    )
    candidates: float = read_in_code(0.1, "spt.md, 'Pairing': share of the batch, the best overlaps first")
    overlap: float = read_in_code(0.7, "spt.md, 'Pairing': least OIoU")
    smallest: int = our_choice(4, "spt.md, 'Pairing'")
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
