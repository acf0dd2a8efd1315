"""The recipe that a training command means: where it starts, of which size, with what set otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from glimpse.encoders.size import Size
from glimpse.methods.catalog import recipe_of
from glimpse.methods.recipe import scaled
from glimpse.methods.world_recipes import world_recipe
from glimpse.training.recipes import with_settings


class Preset(StrEnum):
    """Which recipe is the start."""

    PUBLISHED = "published"
    WORLD = "world"


def preset_recipe(method: str, preset: Preset, size: Size | None, settings: Iterable[str]) -> Any:
    """The recipe of a method.

    Args:
        method: its name.
        preset: as published, or for the rendered world on a CPU.
        size: of the encoder, with images to match; None for the published one, or micro in the world.
        settings: keys that are set otherwise, as `key=value`.

    >>> preset_recipe("bot", Preset.WORLD, None, ["epochs=3"]).epochs
    3
    """
    if preset is Preset.WORLD:
        recipe = world_recipe(method, size or Size.MICRO)
    else:
        recipe = recipe_of(method) if size is None else scaled(recipe_of(method), size)
    return with_settings(recipe, settings)
