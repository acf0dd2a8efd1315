"""The similarities by name: every row is a similarity, every similarity has a row."""

import sys

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.plugins import PluginWarning
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.codec import SIMILARITIES as CODEC
from glimpse.retriever.codec import from_json, to_json
from glimpse.similarity import ConflictPenalized, Cosine, TwoPass
from glimpse.similarity.base import Similarity
from glimpse.similarity.registry import (
    SIMILARITIES,
    SimilarityClasses,
    check_similarity,
    named_similarity,
    similarities,
)


def concrete(kind):
    """The classes below `kind` that the package defines and that can be made."""
    for below in kind.__subclasses__():
        yield from concrete(below)
        if below.__module__.startswith("glimpse.") and not below.__abstractmethods__:
            yield below


def test_every_row_is_a_similarity():
    classes = SimilarityClasses()
    assert list(classes) == list(SIMILARITIES)
    assert all(issubclass(kind, Similarity) for kind in classes.values())


def test_every_similarity_has_one_row():
    classes = list(SimilarityClasses().values())
    assert len(set(classes)) == len(classes)
    assert set(concrete(Similarity)) == set(classes)


@pytest.mark.parametrize("function", [check_similarity, named_similarity])
def test_an_unknown_name_is_one_sentence_with_the_known_ones(function):
    with pytest.raises(OptionError, match="no similarity is called 'cosin'; there are cosine, ") as caught:
        function("cosin")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "kind"), [("conflict-penalized", ConflictPenalized), ("two-pass", TwoPass)])
def test_a_similarity_that_needs_more_than_a_name_says_so(name, kind):
    assert SimilarityClasses()[name] is kind
    with pytest.raises(OptionError, match=f"the similarity {name} needs its "):
        named_similarity(name)


GROUP = "glimpse.similarities"
MANHATTAN = """
from dataclasses import dataclass

import torch

from glimpse.similarity import Similarity


@dataclass(frozen=True)
class Manhattan(Similarity):
    power: int = 1
    device: str = "cpu"

    def scorer(self, query):
        return lambda gallery: -torch.cdist(query.vectors, gallery.vectors, p=self.power)

    def distances(self, scores):
        return -scores
"""


@pytest.fixture
def manhattan(install):
    install(MANHATTAN, GROUP, "manhattan", "another:Manhattan")
    return named_similarity("manhattan")


def test_a_similarity_of_another_package_stands_behind_our_own(manhattan):
    assert list(similarities()) == [*SIMILARITIES, "manhattan"]
    assert type(manhattan).__module__ == "another"
    query, gallery = Embeddings(np.array([[0.0, 0.0]])), Embeddings(np.array([[1.0, -2.0], [0.5, 0.5]]))
    assert manhattan.pairwise(query, gallery).tolist() == [[-3.0, -1.0]]


def test_a_retriever_is_saved_and_loaded_with_it(manhattan, tmp_path):
    Retriever(ColorEncoder(), type(manhattan)(power=2)).save(tmp_path / "saved")
    back = Retriever.load(tmp_path / "saved").similarity
    assert back == type(manhattan)(power=2)
    nested = TwoPass(manhattan, manhattan)
    assert from_json(to_json(nested, CODEC, {}), CODEC, {}) == nested


def test_another_package_is_imported_when_its_similarity_is_asked_for(install):
    install("raise ValueError('no')", GROUP, "manhattan", "another:Manhattan")
    assert check_similarity("manhattan") == "manhattan"
    assert named_similarity("cosine") == Cosine()
    assert to_json(Cosine(), CODEC, {})["name"] == "cosine"
    assert "another" not in sys.modules


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("raise ValueError('two\\nlines')", "cannot be loaded from another:Manhattan: ValueError: two lines"),
        ("", "cannot be loaded from another:Manhattan: AttributeError: "),
        ("Manhattan = 3", "the entry point 'manhattan' of glimpse.similarities must be a Similarity, got 3"),
    ],
)
def test_a_broken_package_is_one_sentence_and_stops_only_what_asks_for_it(install, code, sentence):
    install(code, GROUP, "manhattan", "another:Manhattan")
    with pytest.raises(OptionError, match=sentence) as caught:
        named_similarity("manhattan")
    assert "\n" not in str(caught.value)
    with pytest.raises(OptionError, match="a card cannot hold Unknown; it can hold cosine, "):
        to_json(type("Unknown", (), {})(), CODEC, {})


def test_our_own_names_are_not_taken_away(install):
    install(MANHATTAN, GROUP, "cosine", "another:Manhattan")
    with pytest.warns(
        PluginWarning, match="two similarities are called 'cosine': .*another:Manhattan, which is left"
    ):
        assert similarities() == SIMILARITIES
    assert named_similarity("cosine") == Cosine()
