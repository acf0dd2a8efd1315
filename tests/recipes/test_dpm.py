import pytest

from glimpse.ablation.arms import parse_arm
from glimpse.choices import Form
from glimpse.datasets import reader
from glimpse.methods.dpm import prepare_dpm
from glimpse.recipes.dpm import DPM_ARMS, DPM_SETTINGS, DpmRecipe
from glimpse.recipes.provenance import with_settings


@pytest.mark.parametrize("name", DPM_SETTINGS)
def test_every_preset_fits_the_recipe_and_names_layouts_that_are_read(name):
    with_settings(DpmRecipe(), DPM_SETTINGS[name])
    for layout in name.split("-to-"):
        assert callable(reader(layout))


@pytest.mark.parametrize("name", DPM_ARMS)
def test_every_arm_is_one_that_a_ablation_takes_and_trains(name, people, micro):
    arm = parse_arm(f"{name}=dpm" + (":" + ",".join(DPM_ARMS[name]) if DPM_ARMS[name] else ""))
    assert arm.settings == DPM_ARMS[name]
    recipe = with_settings(micro(DpmRecipe(form=Form.JOINT)), arm.settings)
    prepared = prepare_dpm(recipe, people)
    assert (prepared.method.network.mask_head is not None) == (name in ("static-mask", "mask", "dpm"))
    assert all(stage.updates for stage in prepared.stages)


def test_the_published_settings():  # dpm.md, "Updates"
    def of(name):
        recipe = with_settings(DpmRecipe(), DPM_SETTINGS[name])
        # the weight of the mean form over a batch of 64 is the released coefficient times 64
        released = round(recipe.enrichment_weight / 64, 4)
        return recipe.stride, recipe.epochs, recipe.margin, released, recipe.augment.hue

    assert of("occluded_duke") == (11, 150, 0.5, 0.1, 0)
    assert of("dukemtmc") == (12, 150, 0.3, 0.1, 0)
    assert of("market1501-to-occluded_reid") == (12, 50, 0.3, 0.01, 0.2)
