"""The groups that recipes share."""

from glimpse.choices import Size
from glimpse.recipes.groups import AugmentRecipe, OptimizerRecipe, SamplerRecipe, ValidationRecipe, scaled
from glimpse.recipes.provenance import entries
from glimpse.recipes.registry import (
    recipe_of,
)


def test_every_shared_group_can_be_listed():
    for kind in (OptimizerRecipe, SamplerRecipe, AugmentRecipe, ValidationRecipe):
        assert all(entry.provenance.where for entry in entries(kind()))


def test_another_size_changes_the_images_and_the_padding_with_the_backbone():
    recipe = scaled(recipe_of("transreid"), Size.MICRO)
    assert (recipe.size, recipe.augment.size, recipe.augment.padding) == (Size.MICRO, (64, 32), 2)
    assert scaled(recipe, Size.BASE).augment.size == (256, 128)
