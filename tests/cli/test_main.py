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


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("world show --people 1000000000 --out x.png", "--people"),
        ("world show --cameras 1000000 --out x.png", "--cameras"),
        ("world show --height 100000 --out x.png", "--height"),
        ("world show --hardness nan --out x.png", "--hardness"),
        ("world show --seed -1 --out x.png", "--seed"),
        ("world make w --people 1000000000", "--people"),
        ("world make w --images-per-person 1000000000", "--images-per-person"),
        ("world make w --seed 99999999999999999999", "--seed"),
        ("demo --seed -1", "--seed"),
        ("pretrain vit --people 1000000000 --out x", "--people"),
        ("pretrain vit --cameras 1000000000 --out x", "--cameras"),
        ("pretrain vit --people 100000 --cameras 200 --takes 1000 --out x", "100,000 people x 200 cameras"),
        ("pretrain vit --threads 100000 --out x", "--threads must be from 1 to"),
        ("pretrain vit --threads 0 --out x", "--threads must be from 1 to"),
        ("pretrain vit --checkpoint-steps 0 --out x", "--checkpoint-steps"),
        ("pretrain vit --device mps --out x", "there is no device mps here"),
        ("pretrain vit --device meta --out x", "there is no device meta here"),
        ("train bot --data market1501:. --out x --threads 100000", "4 for each core of this machine"),
        ("train bot --data market1501:. --out x --compile nope", "no compiler backend called 'nope'"),
        ("evaluate colors --max-rank 100000000", "--max-rank"),
        (f"evaluate colors --max-rank {10**20}", "--max-rank"),
        ("explain colors --image a.png --answers 100000000", "--answers"),
        ("explain colors --data market1501:. --queries 0", "--queries"),
        ("export vit-micro --out x.onnx --tolerance nan", "--tolerance"),
        ("embed colors {here} {here}/x.safetensors --batch 1000000", "--batch"),
        ("embed colors {here} {here}/x.safetensors --workers 0", "workers must be from 1 to"),
        ("embed colors {here} {here}/x.safetensors --workers 100000", "workers must be from 1 to"),
        (
            "embed colors {here} {here}/x.safetensors --workers 100000 --modality guess",
            "workers must be from",
        ),
        (f"ablation --arm a=bot --data market1501:. --seeds {10**20} --out x", "seed must be a whole number"),
    ],
)
def test_numbers_have_bounds(run, monkeypatch, tmp_path, command, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    (tmp_path / "a.png").write_bytes(b"no image")
    code, out, err = run(*command.format(here=tmp_path).split())
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


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
    # a suite that a shell runs in the background ignores Ctrl-C, and so would what it starts
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "import os; from glimpse.__main__ import main; os.write(1, b'.'); main()"
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


def test_a_warning_is_one_line_without_the_program():
    code = """
import warnings
import glimpse.cli
glimpse.cli.app = lambda **_: warnings.warn("two\\nlines")
glimpse.cli.main()
"""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "warning: two lines\n"
