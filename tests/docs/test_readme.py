"""The README's commands and examples, run as they stand."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path by itself

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readmes_commands_and_examples_run_in_order(tmp_path, monkeypatch, capsys):
    from console import run_page

    monkeypatch.chdir(tmp_path)
    printed, names = run_page(README, monkeypatch, capsys)
    commands = [text for text, _ in printed if text.startswith("glimpse ")]
    assert len(commands) >= 3
    assert (tmp_path / "sheet.html").is_file()
    assert "no problems" in dict(printed)["glimpse datasets check occluded_duke:worlds/duke"]
    assert names["result"].valid.sum() > 0
    assert any("rank-1" in output for _, output in printed)


def test_the_readme_is_three_sentences_one_image_and_two_commands():
    opening = README.split("\n\n")[1]
    assert len(re.findall(r"[.!?](?:\s|$)", opening)) == 3
    assert README.count("![") == 1
    assert re.search(r"^make demo .*\nmake test ", README, flags=re.M)
