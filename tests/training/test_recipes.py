# ruff: noqa: RUF009 (the calls make dataclass fields)
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass

import pytest

from glimpse.choices import Course, Fill, Kind
from glimpse.errors import OptionError
from glimpse.recipes.groups import AugmentRecipe, OptimiserRecipe, SamplerRecipe, ValidationRecipe
from glimpse.recipes.provenance import (
    Origin,
    entries,
    from_json,
    given,
    group,
    our_choice,
    read_in_code,
    text_of,
    to_json,
    with_settings,
)


@dataclass(frozen=True)
class ExampleRecipe:
    """BoT as an example."""

    epochs: int = given(120, "dpm_family 1.6")
    smoothing: float = given(0.1, "dpm_family 1.6")
    ibn: bool = our_choice(False, "the plain network")
    optimiser: OptimiserRecipe = group(
        OptimiserRecipe,
        kind=given(Kind.ADAM, "dpm_family 1.6"),
        rate=given(3.5e-4, "dpm_family 1.6"),
        weight_decay=given(5e-4, "dpm_family 1.6"),
        course=given(Course.STEPS, "dpm_family 1.6"),
        warmup=given(10, "dpm_family 1.6"),
        milestones=given((40, 70), "dpm_family 1.6"),
    )
    sampler: SamplerRecipe = group(SamplerRecipe)
    augment: AugmentRecipe = group(
        AugmentRecipe,
        erasing_area=given((0.02, 0.4), "dpm_family 1.6"),
        erasing_fill=given(Fill.CONSTANT, "dpm_family 1.6"),
    )


def test_every_key_says_its_type_and_where_its_value_is_from():
    listed = {entry.key: entry for entry in entries(ExampleRecipe())}
    assert str(listed["epochs"]) == "epochs = 120 (int), given: dpm_family 1.6"
    assert listed["optimiser.rate"].provenance.origin is Origin.GIVEN
    # keys that the method does not mention keep their group's source
    assert listed["optimiser.momentum"].provenance.origin is Origin.CODE
    assert listed["ibn"].provenance.origin is Origin.OURS
    assert listed["optimiser.kind"].kind == "sgd | adam | adamw"
    assert listed["optimiser.clip"].kind == "float or none"
    assert listed["augment.size"].value == (256, 128)
    assert list(listed)[:4] == ["epochs", "smoothing", "ibn", "optimiser.kind"]


def test_every_shared_group_can_be_listed():
    for kind in (OptimiserRecipe, SamplerRecipe, AugmentRecipe, ValidationRecipe):
        assert all(entry.provenance.where for entry in entries(kind()))


@pytest.mark.parametrize(
    ("pair", "key", "value"),
    [
        ("epochs=3", "epochs", 3),
        ("ibn=yes", "ibn", True),
        ("optimiser.rate=1e-3", "optimiser.rate", 1e-3),
        ("optimiser.kind=SGD", "optimiser.kind", Kind.SGD),
        ("optimiser.clip=5", "optimiser.clip", 5.0),
        ("optimiser.clip=none", "optimiser.clip", None),
        ("optimiser.bias-rate=1", "optimiser.bias_rate", 1.0),
        ("optimiser.milestones=2, 4,6", "optimiser.milestones", (2, 4, 6)),
        ("optimiser.milestones=", "optimiser.milestones", ()),
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
        ExampleRecipe(), ["optimiser.rate=1", "epochs=2", "optimiser.warmup=3", "sampler.images=2"]
    )
    assert (changed.optimiser.rate, changed.optimiser.warmup) == (1.0, 3)
    assert (changed.epochs, changed.sampler.images) == (2, 2)
    assert changed.optimiser.kind is Kind.ADAM


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["epoch=3"], "no key is called 'epoch'; did you mean epochs"),
        (["optimizer.rate=3"], "did you mean optimiser.rate"),
        (["warm-up=3"], "did you mean optimiser.warmup"),
        (["persons=3"], r"did you mean sampler.persons\?"),
        (["qqqq=3"], "`glimpse recipes show METHOD` lists them all"),
        (["epochs"], "the key 'epochs' has no value"),
        (["epochs=1", "epochs=2"], "epochs is given twice"),
        (["epochs=many"], "epochs must be a whole number, got 'many'"),
        (["optimiser.kind=lion"], "one of sgd, adam, adamw, got 'lion'"),
        (["optimiser.milestones=1,x"], "must be a whole number, got 'x'"),
        (["augment.size=64"], "needs 2 values with commas between them, got '64'"),
        (["optimiser=3"], "no key is called 'optimiser'"),
        (["optimiser.rate=-1"], "rate cannot be negative"),
        (["sampler.persons=0"], "at least 1 person"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_allowed(pairs, sentence):
    with pytest.raises(OptionError, match=sentence):
        with_settings(ExampleRecipe(), pairs)


def test_recipes_survive_json_and_the_command_line_text():
    recipe = with_settings(ExampleRecipe(), ["optimiser.clip=5", "augment.erasing_fill=noise"])
    assert from_json(ExampleRecipe, json.loads(json.dumps(to_json(recipe)))) == recipe
    again = with_settings(ExampleRecipe(), [f"{e.key}={text_of(e.value)}" for e in entries(recipe)])
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
