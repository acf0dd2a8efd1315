"""Part similarity against the loop over parts."""

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity import PartCosine


def naive(query, v, gallery, u, nothing):
    scores = np.full((len(query), len(gallery)), float(nothing))
    for i in range(len(query)):
        for j in range(len(gallery)):
            weights = np.sqrt(v[i] * u[j])
            cosines = [
                q @ g / (np.linalg.norm(q) * np.linalg.norm(g) or 1.0)
                for q, g in zip(query[i], gallery[j], strict=True)
            ]
            if weights.sum() > 0:
                scores[i, j] = weights @ cosines / weights.sum()
    return scores


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_products_equal_the_loop_over_parts(binary, dtype):
    rng = np.random.default_rng(0)
    query, gallery = rng.normal(size=(6, 3, 4)).astype(dtype), rng.normal(size=(9, 3, 4)).astype(dtype)
    query[0, 1] = 0
    v, u = rng.uniform(size=(6, 3)).astype(dtype), rng.uniform(size=(9, 3)).astype(dtype)
    if binary:
        v, u = (v > 0.6).astype(dtype), (u > 0.6).astype(dtype)
        assert (v @ u.T == 0).any()
    v[2] = 0
    scores = PartCosine(parts=3, nothing_common=-0.5).pairwise(
        Embeddings(query.reshape(6, -1), np.repeat(v, 4, 1)),
        Embeddings(gallery.reshape(9, -1), np.repeat(u, 4, 1)),
    )
    np.testing.assert_allclose(scores, naive(query, v, gallery, u, -0.5), atol=2e-6)


def test_without_masks_every_part_counts_alike():
    rng = np.random.default_rng(1)
    query, gallery = rng.normal(size=(2, 2, 3)), rng.normal(size=(3, 2, 3))
    scores = PartCosine(parts=2).pairwise(
        Embeddings(query.reshape(2, -1)), Embeddings(gallery.reshape(3, -1))
    )
    np.testing.assert_allclose(scores, naive(query, np.ones((2, 2)), gallery, np.ones((3, 2)), -1), atol=2e-6)


def test_parts_must_divide_the_vector():
    one = Embeddings(np.ones((1, 5)))
    with pytest.raises(ShapeError, match="2 parts of one width, got 5 dimensions"):
        PartCosine(parts=2).pairwise(one, one)
    with pytest.raises(OptionError, match="at least 1, got 0"):
        PartCosine(parts=0)
