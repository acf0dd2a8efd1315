"""Two passes against one."""

import numpy as np
from similarity_cases import random_embeddings

from glimpse.similarity import MaskedCosine, MaskSide, MatmulDtype, TwoPass


def test_two_passes_find_what_one_finds():
    rng = np.random.default_rng(3)
    query, gallery = random_embeddings(rng, 20, 32), random_embeddings(rng, 400, 32)
    for side in MaskSide:
        exact = MaskedCosine(side)
        quick = TwoPass(MaskedCosine(side, dtype=MatmulDtype.BFLOAT16), exact)
        found, expected = quick.top_k(query, gallery, 5), exact.top_k(query, gallery, 5)
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
        assert quick.top_k(query, gallery[:3], 5).rows.shape == (20, 3)
        np.testing.assert_array_equal(quick.pairwise(query, gallery), exact.pairwise(query, gallery))
