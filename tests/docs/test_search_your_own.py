"""The searcher's path, followed word for word."""

import re
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path by itself

PAGE = (Path(__file__).parents[2] / "docs" / "search-your-own.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def kept_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_every_command_and_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    from console import run_page

    monkeypatch.chdir(tmp_path)
    outputs, _ = run_page(PAGE, monkeypatch, capsys)
    said = [output for _, output in outputs]
    assert len(said) == 12
    added = int(re.match(r"(\d+) added, 0 were", said[1])[1])
    assert said[2] == f"0 added, {added} were there already\n"
    assert "search is exact" in said[3]
    assert "  person 13  " in said[4]
    assert re.search(r"\d+ images searched, all scored, by vit-micro", said[5])
    assert said[6].startswith(f"{added} added")
    assert "by clip-micro" in said[7]
    assert re.match(r"0\.\d+ /", said[8])
    erased = int(said[9].split()[0])
    assert said[9] == f"{erased} images erased\n"
    assert erased >= 2
