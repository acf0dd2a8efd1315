"""Alpha query expansion against its sum."""

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.reranking import AlphaQueryExpansion
from glimpse.similarity import Cosine


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(("nearest", "alpha"), [(1, 3), (4, 0), (4, 2.5), (50, 1)])
def test_expansion_equals_the_weighted_sum(nearest, alpha):
    rng = np.random.default_rng(0)
    query, gallery = rng.normal(size=(3, 5)), rng.normal(size=(9, 5))
    found = AlphaQueryExpansion(nearest, alpha).expand(Embeddings(query), Embeddings(gallery), Cosine())
    for q, expanded in zip(query, found.vectors, strict=True):
        scored = sorted(((unit(q) @ unit(g), g) for g in gallery), key=lambda pair: -pair[0])
        total = unit(q) + sum(max(s, 0) ** alpha * unit(g) for s, g in scored[:nearest])
        np.testing.assert_allclose(expanded, unit(total), atol=1e-5)


def test_no_row_changes_nothing_and_an_empty_gallery_is_one():
    rng = np.random.default_rng(1)
    query, gallery = Embeddings(rng.normal(size=(3, 5))), Embeddings(rng.normal(size=(9, 5)))
    plain = Cosine().pairwise(query, gallery)
    np.testing.assert_allclose(
        AlphaQueryExpansion(nearest=0).scores(query, gallery, Cosine()), plain, atol=1e-6
    )
    assert AlphaQueryExpansion().scores(query, gallery[:0], Cosine()).shape == (3, 0)


def test_masks_stay_with_the_query():
    query = Embeddings(np.ones((1, 2)), np.array([[0.5, 1.0]]))
    assert AlphaQueryExpansion().expand(query, Embeddings(np.eye(2)), Cosine()).masks is query.masks
    with pytest.raises(OptionError, match="at least 0, got -1"):
        AlphaQueryExpansion(nearest=-1)
