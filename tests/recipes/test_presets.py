"""Which recipe a training command means."""

import pytest

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.recipes.groups import scaled
from glimpse.recipes.presets import Preset, preset_recipe, world_recipe
from glimpse.recipes.registry import recipe_of, trained_methods


@pytest.mark.parametrize("method", trained_methods())
def test_presets_start_where_they_say(method):
    assert preset_recipe(method, Preset.PUBLISHED, None, []) == recipe_of(method)
    assert preset_recipe(method, Preset.PUBLISHED, Size.TINY, []) == scaled(recipe_of(method), Size.TINY)
    assert preset_recipe(method, Preset.WORLD, None, []) == world_recipe(method, Size.MICRO)
    assert preset_recipe(method, Preset.WORLD, Size.TINY, ["seed=4"]).seed == 4


def test_an_unknown_key_is_one_sentence():
    with pytest.raises(OptionError, match="did you mean epochs"):
        preset_recipe("bot", Preset.WORLD, None, ["epoch=3"])
