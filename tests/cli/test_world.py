import subprocess
import sys

import pytest
from typer.testing import CliRunner

from glimpse.cli.world import app
from glimpse.errors import OptionError


@pytest.mark.parametrize("name", ["sheet.png", "sheet.html"])
def test_show_writes_the_sheet_and_nothing_else(tmp_path, name):
    done = CliRunner().invoke(
        app, ["show", "--seed", "3", "--people", "1", "--height", "32", "--out", str(tmp_path / name)]
    )
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--out", "sheet.gif"], ".png"),
        (["--out", "a.png", "--people", "0"], "at least one"),
        (["--out", "a.png", "--seed", "-1"], "seed"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(tmp_path, monkeypatch, options, word):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["show", *options])
    assert isinstance(done.exception, OptionError)
    assert word in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_help_imports_no_renderer():
    code = "import sys, glimpse.cli.world; sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
