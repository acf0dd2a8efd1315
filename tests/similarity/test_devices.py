"""Every similarity and re-ranking gives the same on every device that this machine has."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.embeddings import Embeddings
from glimpse.reranking import KReciprocal, SimilarityInference
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, MaskSide, PartCosine, SetJaccard

DEVICES = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
SIMILARITIES = [
    Cosine(),
    Euclidean(),
    *(MaskedCosine(side) for side in MaskSide),
    PartCosine(parts=3),
    SetJaccard(),
    SetJaccard(tau=5),
]


def embeddings(seed, rows):
    rng = np.random.default_rng(seed)
    return Embeddings(rng.random((rows, 12), dtype=np.float32), rng.random((rows, 12), dtype=np.float32))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("similarity", SIMILARITIES, ids=repr)
def test_top_k_are_the_best_of_all_scores(similarity, device):
    query, gallery = embeddings(0, 6), embeddings(1, 300)
    there = replace(similarity, device=device)
    scores = similarity.pairwise(query, gallery)
    np.testing.assert_allclose(there.pairwise(query, gallery), scores, atol=1e-5)
    for k in (1, 10, 280, 1000):
        found = there.top_k(query, gallery, k)
        assert found.rows.shape == (6, min(k, 300))
        np.testing.assert_allclose(found.scores, -np.sort(-scores, 1)[:, :k], atol=1e-5)
        np.testing.assert_allclose(np.take_along_axis(scores, found.rows, 1), found.scores, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("reranker", [KReciprocal(k1=5, k2=3), SimilarityInference.sysu()], ids=repr)
def test_reranking_is_the_same_on_every_device(reranker, device):
    query, gallery = embeddings(2, 6), embeddings(3, 80)
    np.testing.assert_allclose(
        reranker.scores(query, gallery, Cosine(device=device)),
        reranker.scores(query, gallery, Cosine()),
        atol=1e-4,
    )
