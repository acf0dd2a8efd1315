"""Kernels in pieces: every row once, from several callers at a time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glimpse.compiled import over_pieces
from glimpse.embeddings import Embeddings
from glimpse.reranking import SimilarityInference
from glimpse.similarity import Cosine, SetJaccard


@pytest.mark.parametrize("count", [0, 1, 2, 5, 16, 1000])
def test_every_row_is_visited_once(count):
    visits = np.zeros(count, int)

    def visit(first, last, amount):
        visits[first:last] += amount

    over_pieces(visit, count, 1)
    assert (visits == 1).all()


def test_what_a_piece_raises_is_raised():
    def fail(first, last):
        raise ValueError(f"rows {first} to {last}")

    with pytest.raises(ValueError, match="rows 0 to"):
        over_pieces(fail, 100)


def test_callers_on_several_threads_get_what_one_gets():
    rng = np.random.default_rng(0)
    query, gallery = (Embeddings(rng.random((rows, 20), dtype=np.float32)) for rows in (8, 90))

    def work(_):
        return (
            SetJaccard().pairwise(query, gallery),
            Cosine().top_k(query, gallery, 7).rows,
            SimilarityInference().scores(query, gallery, Cosine()),
        )

    alone = work(0)
    with ThreadPoolExecutor(4) as pool:
        for together in pool.map(work, range(8)):
            for one, other in zip(together, alone, strict=True):
                np.testing.assert_array_equal(one, other)
