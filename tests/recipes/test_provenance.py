# ruff: noqa: RUF009 (the calls make dataclass fields)
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass

import pytest

from glimpse.choices import Fill, OptimizerKind, SchedulerKind
from glimpse.errors import OptionError
from glimpse.recipes.groups import AugmentRecipe, OptimizerRecipe, SamplerRecipe
from glimpse.recipes.provenance import (
    Origin,
    entries,
    from_json,
    given,
    group,
    our_choice,
    read_in_code,
    to_json,
    to_text,
    with_settings,
)


@dataclass(frozen=True)
class ExampleRecipe:
    """BoT as an example."""

    epochs: int = given(120, "bot.md, 'Constants'")
    smoothing: float = given(0.1, "bot.md, 'Constants'")
    ibn: bool = our_choice(False, "the plain network")
    optimizer: OptimizerRecipe = group(
        OptimizerRecipe,
        kind=given(OptimizerKind.ADAM, "bot.md, 'Constants'"),
        lr=given(3.5e-4, "bot.md, 'Constants'"),
        weight_decay=given(5e-4, "bot.md, 'Constants'"),
        scheduler=given(SchedulerKind.STEPS, "bot.md, 'Constants'"),
        warmup=given(10, "bot.md, 'Constants'"),
        milestones=given((40, 70), "bot.md, 'Constants'"),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(
        AugmentRecipe,
        erasing_area=given((0.02, 0.4), "bot.md, 'Constants'"),
        erasing_fill=given(Fill.CONSTANT, "bot.md, 'Constants'"),
    )


def test_every_key_says_its_type_and_where_its_value_is_from():
    listed = {entry.key: entry for entry in entries(ExampleRecipe())}
    assert str(listed["epochs"]) == "epochs = 120 (int), given: bot.md, 'Constants'"
    assert listed["optimizer.lr"].provenance.origin is Origin.GIVEN
    # keys that the method does not mention keep their group's source
    assert listed["optimizer.momentum"].provenance.origin is Origin.CODE
    assert listed["ibn"].provenance.origin is Origin.OURS
    assert listed["optimizer.kind"].kind == "sgd | adam | adamw"
    assert listed["optimizer.clip"].kind == "float or none"
    assert listed["augment.size"].value == (256, 128)
    assert list(listed)[:4] == ["epochs", "smoothing", "ibn", "optimizer.kind"]


@pytest.mark.parametrize(
    ("pair", "key", "value"),
    [
        ("epochs=3", "epochs", 3),
        ("ibn=yes", "ibn", True),
        ("optimizer.lr=1e-3", "optimizer.lr", 1e-3),
        ("optimizer.kind=SGD", "optimizer.kind", OptimizerKind.SGD),
        ("optimizer.clip=5", "optimizer.clip", 5.0),
        ("optimizer.clip=none", "optimizer.clip", None),
        ("optimizer.bias-lr-factor=1", "optimizer.bias_lr_factor", 1.0),
        ("optimizer.milestones=2, 4,6", "optimizer.milestones", (2, 4, 6)),
        ("optimizer.milestones=", "optimizer.milestones", ()),
        ("augment.size=64,32", "augment.size", (64, 32)),
    ],
)
def test_a_setting_is_read_with_the_type_of_its_key_and_changes_nothing_else(pair, key, value):
    before = {entry.key: entry.value for entry in entries(ExampleRecipe())}
    after = {entry.key: entry.value for entry in entries(with_settings(ExampleRecipe(), [pair]))}
    assert after == {**before, key: value}
    assert type(after[key]) is type(value)


def test_settings_of_one_group_go_together():
    changed = with_settings(
        ExampleRecipe(), ["optimizer.lr=1", "epochs=2", "optimizer.warmup=3", "sampler.images=2"]
    )
    assert (changed.optimizer.lr, changed.optimizer.warmup) == (1.0, 3)
    assert (changed.epochs, changed.sampler.images) == (2, 2)
    assert changed.optimizer.kind is OptimizerKind.ADAM


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["epoch=3"], "no key is called 'epoch'; did you mean epochs"),
        (["optimizer.ls=3"], "did you mean optimizer.lr"),
        (["warm-up=3"], "did you mean optimizer.warmup"),
        (["persons=3"], r"did you mean sampler.persons\?"),
        (["qqqq=3"], "`glimpse recipes show METHOD` lists them all"),
        (["epochs"], "the key 'epochs' has no value"),
        (["epochs=1", "epochs=2"], "epochs is given twice"),
        (["epochs=many"], "epochs must be a whole number, got 'many'"),
        (["optimizer.kind=lion"], "one of sgd, adam, adamw, got 'lion'"),
        (["optimizer.milestones=1,x"], "must be a whole number, got 'x'"),
        (["augment.size=64"], "needs 2 values with commas between them, got '64'"),
        (["optimizer=3"], "no key is called 'optimizer'"),
        (["optimizer.lr=-1"], "optimizer.lr must be a number from 0 to 100, got"),
        (["sampler.persons=0"], "sampler.persons must be a whole number from 1 to 16,384"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_allowed(pairs, sentence):
    with pytest.raises(OptionError, match=sentence):
        with_settings(ExampleRecipe(), pairs)


def test_recipes_survive_json_and_the_command_line_text():
    recipe = with_settings(ExampleRecipe(), ["optimizer.clip=5", "augment.erasing_fill=noise"])
    assert from_json(ExampleRecipe, json.loads(json.dumps(to_json(recipe)))) == recipe
    again = with_settings(ExampleRecipe(), [f"{e.key}={to_text(e.value)}" for e in entries(recipe)])
    assert again == recipe


def test_a_stored_recipe_must_have_every_key_and_no_other():
    stored = to_json(ExampleRecipe())
    with pytest.raises(OptionError, match="a stored ExampleRecipe lacks epochs"):
        from_json(ExampleRecipe, {k: v for k, v in stored.items() if k != "epochs"})
    with pytest.raises(OptionError, match="a stored SamplerRecipe has the unknown key zz"):
        from_json(ExampleRecipe, {**stored, "sampler": {**stored["sampler"], "zz": 1}})


def test_recipes_are_frozen():
    with pytest.raises(FrozenInstanceError):
        ExampleRecipe().epochs = 3


def test_a_key_without_a_source_and_an_unknown_group_key_are_defects():
    @dataclass(frozen=True)
    class Careless:
        epochs: int = 3

    with pytest.raises(TypeError, match="does not say where"):
        entries(Careless())
    with pytest.raises(TypeError, match="has no key imges"):
        group(SamplerRecipe, imges=our_choice(3, "why not"))
    assert read_in_code(1, "x").metadata["provenance"].origin is Origin.CODE


def test_recipes_need_no_torch():
    code = "import sys, glimpse.recipes.groups; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
