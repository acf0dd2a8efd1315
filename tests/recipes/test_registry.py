import pytest

from glimpse.choices import Reads, Size
from glimpse.errors import OptionError
from glimpse.methods.prepare import prepare
from glimpse.recipes.groups import scaled
from glimpse.recipes.presets import world_recipe
from glimpse.recipes.provenance import entries, from_json, to_json, with_settings
from glimpse.recipes.registry import MethodRow, recipe_of, row_of, trained_methods, world_settings


@pytest.mark.parametrize("method", trained_methods())
def test_every_key_says_where_its_value_is_from_and_survives_json(method):
    recipe = recipe_of(method)
    assert all(entry.provenance.where for entry in entries(recipe))
    assert from_json(type(recipe), to_json(recipe)) == recipe


def test_the_published_table():
    """bot.md, "Constants" and transreid.md, "Constants" and clip-reid.md, "Constants" for BoT."""
    bot, transreid, clip = (recipe_of(name) for name in ("bot", "transreid", "clip-reid"))
    dpm = recipe_of("dpm")
    assert (dpm.epochs, dpm.stride, dpm.camera_weight, dpm.smoothing) == (150, 11, 3.0, 0.0)
    assert (dpm.scale, dpm.margin, dpm.identity_weight, dpm.masked_weight) == (30, 0.5, 0.5, 0.5)
    assert (bot.epochs, transreid.epochs, clip.prompt_epochs, clip.epochs) == (120, 120, 120, 60)
    assert (transreid.stride, clip.stride) == (12, 16)
    assert (transreid.camera_weight, clip.camera_weight) == (3.0, 1.0)
    assert (bot.smoothing, transreid.smoothing, clip.smoothing) == (0.1, 0.0, 0.1)
    for recipe, kind, lr, decay, bias in (
        (bot, "adam", 3.5e-4, 5e-4, 1),
        (transreid, "sgd", 0.008, 1e-4, 2),
        (clip, "adam", 5e-6, 1e-4, 2),
        (dpm, "sgd", 0.008, 1e-4, 2),
    ):
        assert (recipe.optimizer.kind, recipe.optimizer.lr) == (kind, lr)
        assert (recipe.optimizer.weight_decay, recipe.optimizer.bias_lr_factor) == (decay, bias)
        assert (recipe.sampler.persons, recipe.sampler.images) == (16, 4)
        assert recipe.augment.size == (256, 128)


def test_another_size_changes_the_images_and_the_padding_with_the_backbone():
    recipe = scaled(recipe_of("transreid"), Size.MICRO)
    assert (recipe.size, recipe.augment.size, recipe.augment.padding) == (Size.MICRO, (64, 32), 2)
    assert scaled(recipe, Size.BASE).augment.size == (256, 128)


@pytest.mark.parametrize("method", trained_methods())
def test_there_is_a_world_recipe_of_every_method(method):
    assert world_settings(method)
    recipe = world_recipe(method, Size.TINY)
    assert recipe.size is Size.TINY
    assert recipe.epochs < recipe_of(method).epochs


def test_an_unknown_method_is_refused(people):
    with pytest.raises(OptionError, match="no method is called 'bat'"):
        prepare("bat", None, people)


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(OptionError, match=r"optimizer\.lr"):
        with_settings(recipe_of("bot"), ["optimizer.rat=1"])


def test_methods_read_images_unless_they_say_otherwise():
    assert {row_of(method).reads for method in trained_methods()} == {Reads.IMAGES}
    assert row_of("clip").reads is Reads.CAPTIONS
    with pytest.raises(OptionError, match="the method odd must read 'images' or 'images and captions', got"):
        MethodRow("odd", recipe="", network="", prepare="", reads="books")
