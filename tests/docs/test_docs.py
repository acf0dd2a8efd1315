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
