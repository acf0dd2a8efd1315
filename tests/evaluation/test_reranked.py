"""A re-ranking is evaluated trial by trial; one that changes nothing gives the plain result."""

import dataclasses

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError
from glimpse.evaluation import evaluate, evaluate_reranked
from glimpse.protocols import Cmc
from glimpse.records import JUNK


class Dot:
    def pairwise(self, query, gallery):
        return query.vectors @ gallery.vectors.T


class Unchanged:
    """Hands the similarity's own scores on, and remembers how many rows it saw."""

    def __init__(self):
        self.seen = []

    def scores(self, query, gallery, similarity):
        self.seen.append((len(query), len(gallery)))
        return similarity.pairwise(query, gallery)


def embedded(rng, rows):
    return Embeddings(rng.integers(-3, 4, (rows, 5)).astype(np.float32))


@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("cmc", list(Cmc))
def test_an_idle_reranking_gives_the_plain_result(rng, trials, cmc):
    protocol = cases.protocol(rng, cmc=cmc, trials=trials)
    pair = embedded(rng, len(protocol.query)), embedded(rng, len(protocol.gallery))
    reranking = Unchanged()
    mine = evaluate_reranked(pair, protocol, reranking, similarity=Dot())
    plain = evaluate(pair, protocol, similarity=Dot())
    for field in dataclasses.fields(plain):
        first, second = getattr(mine, field.name), getattr(plain, field.name)
        assert np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second, field.name
    galleries = [protocol.gallery.person[trial.gallery] for trial in protocol.trials]
    assert reranking.seen == [(12, np.count_nonzero(persons != JUNK)) for persons in galleries]


def test_other_embeddings_are_refused(rng):
    protocol = cases.protocol(rng)
    with pytest.raises(ShapeError, match="12 query and 60 gallery rows, but there are 12 and 12"):
        evaluate_reranked((embedded(rng, 12),) * 2, protocol, Unchanged(), similarity=Dot())
