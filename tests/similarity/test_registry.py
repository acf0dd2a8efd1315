"""The similarities by name: every row is a similarity, every similarity has a row."""

import pytest

from glimpse.errors import OptionError
from glimpse.similarity import ConflictPenalized, TwoPass
from glimpse.similarity.base import Similarity
from glimpse.similarity.registry import SIMILARITIES, check_similarity, named_similarity, similarity_classes


def concrete(kind):
    """The classes below `kind` that the package defines and that can be made."""
    for below in kind.__subclasses__():
        yield from concrete(below)
        if below.__module__.startswith("glimpse.") and not below.__abstractmethods__:
            yield below


def test_every_row_is_a_similarity():
    classes = similarity_classes()
    assert list(classes) == list(SIMILARITIES)
    assert all(issubclass(kind, Similarity) for kind in classes.values())


def test_every_similarity_has_one_row():
    classes = list(similarity_classes().values())
    assert len(set(classes)) == len(classes)
    assert set(concrete(Similarity)) == set(classes)


@pytest.mark.parametrize("function", [check_similarity, named_similarity])
def test_an_unknown_name_is_one_sentence_with_the_known_ones(function):
    with pytest.raises(OptionError, match="no similarity is called 'cosin'; there are cosine, ") as caught:
        function("cosin")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "kind"), [("conflict-penalized", ConflictPenalized), ("two-pass", TwoPass)])
def test_a_similarity_that_needs_more_than_a_name_says_so(name, kind):
    assert similarity_classes()[name] is kind
    with pytest.raises(OptionError, match=f"the similarity {name} needs its "):
        named_similarity(name)
