"""What the recipes of the baselines have in common. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from glimpse.encoders.size import Size
from glimpse.training.recipe_groups import AugmentRecipe, ValidationRecipe

WEIGHTS = "auto: shipped weights of this size, if any; the papers' own starts are not ours to ship"
SEED = "any will do"
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_IMAGES: Mapping[Size, tuple[int, int]] = MappingProxyType(
    {Size.MICRO: (64, 32), Size.TINY: (128, 64), Size.SMALL: (256, 128), Size.BASE: (256, 128)}
)


class Recipe(Protocol):
    """What a training run reads of any recipe."""

    @property
    def size(self) -> Size:
        """Of the encoder."""
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
    """The recipe for an encoder of another size: its images, and the padding in proportion, change too.

    >>> from glimpse.methods.bot.recipe import BoTRecipe
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
