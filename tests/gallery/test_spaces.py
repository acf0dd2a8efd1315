"""Whose vectors a space holds."""

import pytest
from galleries import model

from glimpse.errors import OptionError, StorageError
from glimpse.gallery import MadeElsewhere
from glimpse.gallery.spaces import described, space_of
from glimpse.retriever import Retriever
from glimpse.similarity import MaskedCosine


def test_a_shipped_retriever_is_found_by_its_name_and_a_folder_by_its_place(tmp_path, monkeypatch):
    colors, space = space_of("colors", None, None, "cpu")
    assert (space.name, space.retriever, space.digest) == ("colors", "colors", colors.digest)
    assert (space.dim, space.masked) == (colors.encoder.dim, False)
    colors.save(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    _, again = space_of("mine", "a name", 50, "cpu")
    assert (again.name, again.retriever, again.candidates) == ("a name", str(tmp_path / "mine"), 50)
    assert again.digest == space.digest, "the same encoder"


def test_one_in_memory_and_one_made_elsewhere_are_nowhere():
    _, space = space_of(Retriever.load("colors"), None, None, "cpu")
    assert (space.name, space.retriever) == ("retriever", None)
    _, other = space_of(MadeElsewhere("osnet", 4, MaskedCosine(), masked=True), None, None, "cpu")
    assert (other.name, other.retriever, other.dim, other.masked) == ("osnet", None, 4, True)
    assert described(other) == "osnet (4 dimensions with masks)"
    assert other.digest != space_of(MadeElsewhere("osnet 2", 4), None, None, "cpu")[1].digest


def test_what_makes_no_space_is_told():
    with pytest.raises(OptionError, match="at least one dimension"):
        MadeElsewhere("osnet", 0)
    with pytest.raises(OptionError, match="candidates must be at least 1"):
        space_of(model(), None, 0, "cpu")
    with pytest.raises(StorageError, match="there is no retriever nothing"):
        space_of("nothing", None, None, "cpu")
