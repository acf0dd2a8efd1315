import pytest

from glimpse.datasets import reader
from glimpse.methods.dpm.presets import DPM_SETTINGS
from glimpse.methods.dpm.recipe import DpmRecipe
from glimpse.training.recipes import with_settings


@pytest.mark.parametrize("name", DPM_SETTINGS)
def test_every_preset_fits_the_recipe_and_names_layouts_that_are_read(name):
    with_settings(DpmRecipe(), DPM_SETTINGS[name])
    for layout in name.split("-to-"):
        assert callable(reader(layout))


def test_the_published_settings():  # dpm_family 3.7, C
    def of(name):
        recipe = with_settings(DpmRecipe(), DPM_SETTINGS[name])
        # the weight of the mean form over a batch of 64 is the released coefficient times 64
        released = round(recipe.enrichment_weight / 64, 4)
        return recipe.stride, recipe.epochs, recipe.margin, released, recipe.augment.hue

    assert of("occluded_duke") == (11, 150, 0.5, 0.1, 0)
    assert of("dukemtmc") == (12, 150, 0.3, 0.1, 0)
    assert of("market1501-to-occluded_reid") == (12, 50, 0.3, 0.01, 0.2)
