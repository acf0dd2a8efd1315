import pytest

from glimpse.choices import OptimizerKind
from glimpse.datasets import reader
from glimpse.methods.prepare import prepare
from glimpse.recipes.dpmpp import DPMPP_SETTINGS, IMAGENET, DpmppRecipe
from glimpse.recipes.provenance import with_settings


@pytest.mark.parametrize("name", DPMPP_SETTINGS)
def test_every_preset_fits_the_recipe_and_names_layouts_that_are_read(name):
    recipe = with_settings(DpmppRecipe(), DPMPP_SETTINGS[name])
    assert recipe.cameras is ("-to-" not in name)  # cameras of the other data set are unknown
    for layout in name.split("-to-"):
        assert callable(reader(layout))


def test_the_form_for_imagenets_backbone_is_dpms_recipe_without_texts(people):
    recipe = with_settings(DpmppRecipe(), IMAGENET)
    assert (recipe.text, recipe.optimizer.kind, recipe.optimizer.lr) == (False, OptimizerKind.SGD, 0.008)
    assert (recipe.identity_weight, recipe.masked_weight, recipe.pair_weight) == (0.5, 0.5, 0.5)
    small = with_settings(
        recipe,
        ["size=micro", "weights=none", "augment.size=64,32", "transfer.share=0", "epochs=12"],
    )
    small = with_settings(small, ["sampler.persons=4", "sampler.images=4"])
    prepared = prepare("dpm++", small, people)
    assert [stage.name for stage in prepared.stages] == ["adapt", "metric"]
    assert prepared.card.method == "dpm++"
