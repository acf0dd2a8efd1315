"""What the command line itself says: of words it cannot read, and when it is stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glimpse.cli import main

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as its user does; gives exit code, output and errors."""

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return running


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no such command"),
        (["train"], "missing argument 'method'"),
        (["train", "bot", "--data", "market1501:."], "missing option '--out'"),
        (["train", "bot", "--outt", "x"], "no such option"),
        (["pretrain", "vat", "--out", "x"], "invalid value for 'backbone'"),
        (["world", "show", "--people", "many", "--out", "x.png"], "invalid value for '--people'"),
        (["train", "bot", "--data", "market1501:.", "--out="], "the value of --out is empty"),
        (["recipes", "show", ""], "an argument is empty"),
    ],
)
def test_words_that_cannot_be_read_are_one_sentence(run, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("glimpse: ")
    assert words in err
    assert len(err.splitlines()) == 1
    assert "Usage" not in err


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("world",), 2), (("--help",), 0)])
def test_help_keeps_its_lines(run, arguments, code):
    found, out, err = run(*arguments)
    assert found == code
    assert "Commands:" in out + err


def test_a_setting_may_have_an_empty_value(run):
    code, out, err = run("recipes", "show", "bot", "--set=optimizer.milestones=")
    assert (code, err) == (0, "")
    assert "set by you; 40,70 is" in out


def test_a_stopped_command_says_how_it_goes_on(run, monkeypatch, tmp_path):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("glimpse.world.export.export_world", stop)
    assert run("world", "make", tmp_path / "world") == (
        130,
        "",
        "glimpse: stopped; go on with the same command\n",
    )
    monkeypatch.setattr("glimpse.pretraining.pretrain.pretraining_recipe", stop)
    code, _, err = run("pretrain", "vit", "--out", tmp_path / "run")
    assert (code, err) == (130, "glimpse: stopped; go on with the same command and --resume\n")
    monkeypatch.setattr("glimpse.world.sheet.sheet_rows", stop)
    code, _, err = run("world", "show", "--out", tmp_path / "sheet.png")
    assert (code, err) == (130, "glimpse: stopped\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.3])
def test_ctrl_c_while_the_command_line_is_loaded_leaves_no_traceback(tmp_path, after):
    # what a user types is loaded by a script; Python's own start, before it, is not ours
    code = "import os; from glimpse.__main__ import main; os.write(1, b'.'); main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "demo", "--out", tmp_path / "demo"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        child.stdout.read(1)
        time.sleep(after)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode in (130, -signal.SIGINT)
    assert b"Traceback" not in err
