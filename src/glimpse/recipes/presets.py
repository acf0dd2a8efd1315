"""The recipe that a training command means: as published or for the world, of which size, with what set."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from glimpse.choices import Size
from glimpse.recipes.groups import scaled
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.registry import recipe_of, world_settings


class Preset(StrEnum):
    """Which recipe the settings of a command change."""

    PUBLISHED = "published"
    WORLD = "world"


def preset_recipe(method: str, preset: Preset, size: Size | None, settings: Iterable[str]) -> Any:
    """The recipe of a method.

    Args:
        method: its name.
        preset: as published, or for the rendered world on a CPU.
        size: of the backbone, with images to match; None for the published one, or micro in the world.
        settings: keys that are set otherwise, as `key=value`.

    >>> preset_recipe("bot", Preset.WORLD, None, ["epochs=3"]).epochs
    3
    """
    if preset is Preset.WORLD:
        recipe = world_recipe(method, size or Size.MICRO)
    else:
        recipe = recipe_of(method) if size is None else scaled(recipe_of(method), size)
    return with_settings(recipe, settings)


def world_recipe(method: str, size: Size) -> Any:
    """The method's recipe for the rendered world: small backbones, few images, a CPU; all our choice.

    Networks start from the weights that ship with Glimpse, so few epochs do; learning rates were chosen on
    validation persons.

    >>> world_recipe("bot", Size.MICRO).augment.size
    (64, 32)
    """
    published = scaled(recipe_of(method), size)
    # worlds have few persons: a tenth of them would be too few to tell one epoch from the next
    return with_settings(published, (*world_settings(method), "validation.share=0.2"))
