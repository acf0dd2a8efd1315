"""What `make docs` writes is what is committed."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_make_docs_writes_is_what_is_committed(build):
    for path, text in build.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not current: run make docs"


def published_commands(text):
    return [
        line for line in text.splitlines() if line.startswith("glimpse train ") and "--preset" not in line
    ]


PAGES = [ROOT / "docs" / f"{name}.md" for name in ("occluded", "train-your-own", "datasets")]
PAGES += [
    page
    for page in sorted((ROOT / "docs" / "methods").glob("*.md"))
    if published_commands(page.read_text("utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_that_train_published_recipes_say_how_to_train_on_all_persons(page):
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert "validation.share=0`" in text
    assert "set aside" in text or "sets nobody aside" in text
