"""The README's commands and examples, run as they stand."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from glimpse.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.S | re.M)


def test_the_readmes_commands_and_examples_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    commands = [
        line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")
    ]
    assert len(commands) >= 3
    for command in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code, f"{command}: {capsys.readouterr().err}"
    assert (tmp_path / "sheet.html").is_file()
    assert "no problems" in capsys.readouterr().out
    namespace = {}
    for example in blocks("python"):
        exec(example, namespace)
    assert namespace["result"].valid.sum() > 0
    assert "rank-1" in capsys.readouterr().out


def test_the_readme_is_three_sentences_one_picture_and_two_commands():
    opening = README.split("\n\n")[1]
    assert len(re.findall(r"[.!?](?:\s|$)", opening)) == 3
    assert README.count("![") == 1
    assert re.search(r"^make demo .*\nmake test ", README, flags=re.M)
