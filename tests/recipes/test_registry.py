import dataclasses
import re
import sys

import pytest

from glimpse.choices import Reads, Size
from glimpse.cli import main
from glimpse.errors import OptionError
from glimpse.methods.prepare import prepare
from glimpse.recipes.presets import world_recipe
from glimpse.recipes.provenance import entries, from_json, to_json, with_settings
from glimpse.recipes.registry import (
    MethodRow,
    recipe_of,
    resolve,
    row_of,
    trained_methods,
    world_settings,
)


@pytest.mark.parametrize("method", trained_methods())
def test_every_key_says_where_its_value_is_from_and_survives_json(method):
    recipe = recipe_of(method)
    assert all(entry.provenance.where for entry in entries(recipe))
    assert from_json(type(recipe), to_json(recipe)) == recipe


def numeric_keys():
    """Every key of every recipe that has numbers, with how many of them are given at once."""
    for method in (*trained_methods(), "clip"):
        for entry in entries(resolve(row_of(method).recipe)()):
            kinds = entry.kind.removesuffix(" or none").split(", ")
            if {"int", "float"} & set(kinds):
                yield pytest.param(method, entry, kinds, id=f"{method}-{entry.key}")


@pytest.mark.parametrize(("method", "entry", "kinds"), list(numeric_keys()))
def test_every_number_has_a_range_that_is_kept_where_recipes_are_made(method, entry, kinds):
    kind = resolve(row_of(method).recipe)
    assert entry.range
    count = 1 if "..." in kinds else len(kinds)
    for wrong in ("nan", "inf", "-inf", "-1", "1e30", str(10**20)):
        with pytest.raises(OptionError, match=rf"{entry.key} must be a (whole )?number"):
            with_settings(kind(), [f"{entry.key}={','.join([wrong] * count)}"])
    # who makes it in Python, or reads it from a file, is refused alike
    holder, _, name = entry.key.rpartition(".")
    group = getattr(kind(), holder) if holder else kind()
    for wrong in (float("nan"), -1, 1e30):
        with pytest.raises(OptionError, match=f"{name} must be "):
            dataclasses.replace(group, **{name: (wrong,) * count if len(kinds) > 1 else wrong})


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("smoothing=2", "smoothing must be a number from 0 to 1, 1 excluded, got '2'"),
        ("epochs=0", "epochs must be a whole number from 1 to 100,000, got '0'"),
        ("augment.std=0,1,1", "std must be a number above 0, at most 1,000, got '0'"),
        ("augment.size=64", "augment.size needs 2 values"),
        ("augment.erasing-area=0.5,0.1", "erasing_area must grow, got 0.5,0.1"),
        ("optimizer.milestones=5,3", "milestones must grow, got 5,3"),
        ("optimizer.nesterov=true optimizer.momentum=0", "nesterov needs a momentum above 0"),
        ("sampler.persons=1000 sampler.images=1000", "a batch must be from 1 to 16,384, got 1000 persons x"),
    ],
)
def test_what_cannot_be_trained_is_no_recipe(pair, sentence):
    with pytest.raises(OptionError, match=re.escape(sentence)):
        with_settings(recipe_of("bot"), pair.split())


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
        MethodRow("odd", recipe="a:B", network="a:B", prepare="a:b", reads="books")


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command line as its user does; gives exit code, output and errors."""

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return running


ROW = "from glimpse.recipes.registry import MethodRow\nROW = MethodRow({})\n"
GOOD = "'mine', recipe='glimpse.recipes.bot:BoTRecipe', network='another:Network', prepare='another:prepare'"


def test_a_method_of_another_package_stands_beside_our_own(install, command):
    install(ROW.format(GOOD))
    assert trained_methods()[-1] == "mine"
    assert row_of("MINE").network == "another:Network"
    assert recipe_of("mine") == recipe_of("bot")
    assert "\nmine " in command("recipes")[1]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ROW = 3", "the entry point 'mine' of glimpse.methods must be a MethodRow, got 3"),
        ("", "the method 'mine' of another package cannot be loaded from another:ROW: AttributeError: "),
        ("import nowhere", "another:ROW: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise ValueError('two\\nlines')", "another:ROW: ValueError: two lines"),
        (
            ROW.format(GOOD.replace("mine", "bot")),
            "two methods are called 'bot': glimpse.recipes.bot:BoTRecipe, glimpse.recipes.bot:BoTRecipe",
        ),
        (ROW.format(GOOD.replace("mine", "My_Own")), "is in lower case with dashes, got 'My_Own'"),
        (
            ROW.format(GOOD.replace("another:prepare", "another.prepare")),
            "the prepare of mine is named as module:attribute, got 'another.prepare'",
        ),
    ],
)
def test_a_broken_package_is_one_sentence_and_stops_only_what_asks_for_it(install, command, code, sentence):
    before = command("recipes")[1]
    install(code)
    exit_code, out, err = command("recipes")
    assert (exit_code, out) == (0, before)
    assert sentence in err
    assert len(err.splitlines()) == 1
    exit_code, out, err = command("recipes", "show", "mine")
    assert (exit_code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    exit_code, out, err = command("recipes", "show", "bot")
    assert (exit_code, err) == (0, "")
    assert row_of("dpm").name == "dpm"


def test_a_broken_package_does_not_hide_another(install, command):
    install("raise ValueError('no')", package="another")
    install(
        ROW.format(GOOD.replace("mine", "yours").replace("another", "third")),
        name="yours",
        value="third:ROW",
        package="third",
    )
    assert trained_methods()[-1] == "yours"
    exit_code, out, err = command("recipes")
    assert exit_code == 0
    assert "\nyours " in out
    assert "the method 'mine' of another package cannot be loaded" in err
    with pytest.raises(OptionError, match=r"no method is called 'none'; there are bot, .*yours"):
        row_of("none")


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ("nowhere.recipe:Recipe", "a method names nowhere.recipe:Recipe, but there is no module nowhere"),
        (
            "another.recipe:Recipe",
            "a method names another.recipe:Recipe, but there is no module another.recipe",
        ),
        ("another:Recipe", "a method names another:Recipe, but another has no Recipe"),
    ],
)
def test_a_row_that_leads_nowhere_is_one_sentence(install, command, recipe, sentence):
    install(ROW.format(GOOD.replace("glimpse.recipes.bot:BoTRecipe", recipe)))
    exit_code, out, err = command("recipes", "show", "mine")
    assert (exit_code, out) == (2, "")
    assert sentence in err


def test_a_row_whose_recipe_is_broken_stops_no_list(install, command):
    before = command("recipes", "--json")[1]
    install(ROW.format(GOOD.replace("glimpse.recipes.bot:BoTRecipe", "nowhere.recipe:Recipe")))
    exit_code, out, err = command("recipes", "--json")
    assert (exit_code, out) == (0, before)
    assert "the method 'mine' of another package cannot be loaded from nowhere.recipe:Recipe: " in err
    assert len(err.splitlines()) == 1


def test_an_ablation_names_what_is_broken_and_goes_on(install, command):
    install("raise ValueError('no')")
    arguments = ("--data", "folder:/nowhere", "--out", "/nowhere/out")
    exit_code, _, err = command("ablation", "--arm", "b=bot", *arguments)
    assert exit_code == 2
    broken, refused = err.splitlines()
    assert "the method 'mine' of another package cannot be loaded" in broken
    assert "/nowhere" in refused


def test_a_part_that_is_there_but_fails_keeps_its_own_error(install):
    install("import nowhere")
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        resolve("another:Recipe")
