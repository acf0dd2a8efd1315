# ruff: noqa: RUF009 (the calls make dataclass fields)
import json
import sys
import types
from dataclasses import dataclass
from typing import Annotated

import pytest

from glimpse.cli import main
from glimpse.ranges import Range
from glimpse.recipes import registry
from glimpse.recipes.groups import SamplerRecipe
from glimpse.recipes.provenance import given, group
from glimpse.recipes.registry import MethodRow


@dataclass(frozen=True)
class Example:
    """An example of a method.

    With a longer explanation.
    """

    epochs: Annotated[int, Range(1, 500)] = given(120, "bot.md, 'Constants'")
    sampler: SamplerRecipe = group(SamplerRecipe)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as its user does, with one method to show; gives exit code, output and errors."""
    module = types.ModuleType("example_recipe")
    module.Example = Example
    monkeypatch.setitem(sys.modules, "example_recipe", module)
    row = MethodRow("exa-mple", "example_recipe:Example", network="none:none", prepare="none:none")
    monkeypatch.setattr(registry, "_BUILT_IN", {"exa-mple": row})
    monkeypatch.setattr(registry, "_found", lambda: ({"exa-mple": row}, {}))  # what it caches outlives a test

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return running


def test_the_methods_are_listed_with_what_they_are(run):
    code, out, _ = run("recipes")
    assert code == 0
    assert "exa-mple  An example of a method.\n" in out
    assert json.loads(run("recipes", "--json")[1]) == {"exa-mple": "An example of a method."}


def test_every_key_is_shown_with_value_type_and_source(run):
    code, out, _ = run("recipes", "show", "Exa_mple")
    assert code == 0
    pk, balanced = "baselines.md, 'PK sampler'", "baselines.md, 'Balanced sampler'"
    lengths = "images | larger-modality | persons"
    rows = [
        ("epochs", "120", "int from 1 to 500", "given: bot.md, 'Constants'"),
        ("sampler.persons", "16", "int from 1 to 16,384", f"read in the authors' code: {pk}"),
        ("sampler.images", "4", "int from 1 to 16,384", f"read in the authors' code: {pk}"),
        (
            "sampler.balanced",
            "false",
            "bool",
            f"our choice: K of every modality, as AGW and SIM ({balanced})",
        ),
        ("sampler.distinct", "false", "bool", f"our choice: every image of a person before one again ({pk})"),
        ("sampler.length", "images", lengths, "our choice: of an epoch, balanced"),
    ]
    assert out.splitlines() == [
        f"{key:16}  {value:6}  {kind:{len(lengths)}}  {source}" for key, value, kind, source in rows
    ]


def test_a_key_that_is_set_says_so_and_what_it_was(run):
    _, out, _ = run("recipes", "show", "exa-mple", "--set", "epochs=7", "--json")
    first, second, *_ = json.loads(out)
    assert first == {
        "key": "epochs",
        "value": "7",
        "type": "int",
        "range": "from 1 to 500",
        "source": "set by you; 120 is given: bot.md, 'Constants'",
    }
    assert second["source"].startswith("read in")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "bot"), "no method is called 'bot'; there are exa-mple"),
        (("show", "exa-mple", "--set", "epoch=7"), "no key is called 'epoch'; did you mean epochs?"),
        (("show", "exa-mple", "--set", "epochs=501"), "epochs must be a whole number from 1 to 500, got"),
        (("show", "exa-mple", "--set", "epochs=x"), "epochs must be a whole number, got 'x'"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(run, arguments, sentence):
    code, out, err = run("recipes", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
