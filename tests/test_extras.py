"""Optional dependencies."""

import sys

import pytest

from glimpse.errors import MissingExtraError
from glimpse.extras import require


def test_what_is_there_is_imported():
    assert require("json.decoder", extra="arrow", purpose="reading") is sys.modules["json.decoder"]


def test_what_is_not_there_is_named_with_its_extra():
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_module", extra="onnx", purpose="running a graph")
    assert str(caught.value) == 'running a graph needs no_such_module: pip install "glimpse[onnx]"'


def test_a_module_that_lacks_a_dependency_of_its_own_is_named_too(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="needs half_there"):
        require("half_there", extra="arrow", purpose="reading")


def test_a_module_that_is_broken_otherwise_keeps_its_error(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        require("broken_extra", extra="arrow", purpose="reading")
