import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from glimpse.cli.world import app, make
from glimpse.errors import GlimpseError, OptionError


@pytest.mark.parametrize("name", ["sheet.png", "sheet.html"])
def test_show_writes_the_sheet_and_nothing_else(tmp_path, name):
    done = CliRunner().invoke(
        app, ["show", "--seed", "3", "--people", "1", "--height", "32", "--out", str(tmp_path / name)]
    )
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_size > 1000


def test_what_was_written_can_be_had_as_json(tmp_path):
    words = ["--seed", "3", "--people", "1", "--height", "32", "--out", str(tmp_path / "sheet.png"), "--json"]
    told = json.loads(CliRunner().invoke(app, ["show", *words]).stdout)
    assert told["sheet"] == str(tmp_path / "sheet.png")
    assert (told["seed"], told["people"], told["cameras"], told["height"]) == (3, 1, 6, 32)


def test_a_sheet_of_another_kind_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["show", "--out", "sheet.gif"])
    assert isinstance(done.exception, OptionError)
    assert ".png" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_help_imports_no_renderer():
    code = "import sys, glimpse.cli.world; sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


APP = typer.Typer(rich_markup_mode=None)
APP.command()(make)


def run(*words):
    return CliRunner().invoke(APP, [str(word) for word in words])


def test_it_renders_and_reports_the_counts(tmp_path):
    words = ["--layout", "partial-ilids", "--people", 6, "--images-per-person", 2, "--size", "32x16"]
    result = run(tmp_path / "world", *words, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["counts"] == {"test query": [6, 6], "test gallery": [6, 6]}
    assert (report["height"], report["width"], report["hardness"]) == (32, 16, 0.5)
    assert len(list((tmp_path / "world" / "whole_body_images").iterdir())) == 6


def test_it_prints_a_line_for_each_part(tmp_path):
    result = run(tmp_path, "--layout", "partial_ilids", "--scale", "tiny", "--size", "32x16")
    assert "test query: 12 persons / 12 rows" in result.stdout


@pytest.mark.parametrize(
    "words",
    [["--layout", "msmt17"], ["--scale", "huge"], ["--size", "big"], ["--people", "5"]],
)
def test_bad_options_are_one_sentence(tmp_path, words):
    result = run(tmp_path / "world", *words)
    assert isinstance(result.exception, GlimpseError)
    assert "\n" not in str(result.exception)


def test_help_shows_an_example():
    assert "Example: glimpse world make" in run("--help").stdout
