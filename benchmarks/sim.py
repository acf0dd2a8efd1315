"""SIM on SYSU-MM01's all-search multi-shot size, against a dense implementation.

Run with `python -m benchmarks.sim`. The dense peer follows the equations with whole matrices in NumPy and
torch: neighbors by sorting G x G, paths by a gather of Q x G x 20 and a partial sort, sets as dense rows.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.measure import line, measured
from glimpse.embeddings import Embeddings
from glimpse.reranking import SimilarityInference
from glimpse.similarity import Cosine


def dense(to_gallery: torch.Tensor, within: torch.Tensor, sim: SimilarityInference) -> torch.Tensor:
    rank = within.argsort(dim=1, stable=True)
    near = rank[:, : sim.neighbors]
    steps = sim.weight * within.gather(1, near)
    inferred = torch.empty_like(to_gallery)
    for start in range(0, len(to_gallery), 64):
        paths = to_gallery[start : start + 64][:, near] + steps
        inferred[start : start + 64] = paths.topk(sim.paths, largest=False).values.mean(2)
    squared = inferred.square()
    squared /= squared.amax(1, keepdim=True)
    normalized = within.square() / within.square().amax(1, keepdim=True)
    full, half = sim.k_gallery + 1, round(sim.k_gallery / 2) + 1

    def reciprocal(i: int, k: int) -> np.ndarray:
        forward = ranks[i, :k]
        return forward[(ranks[forward, :k] == i).any(1)]

    ranks = rank.numpy()
    weights = torch.zeros_like(within)
    for i in range(len(within)):
        own = reciprocal(i, full)
        members = own
        for c in own:
            theirs = reciprocal(c, half)
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                members = np.append(members, theirs)
        members = np.unique(members)
        shares = torch.exp(-normalized[i, members])
        weights[i, members] = shares / shares.sum()
    own_sets = torch.zeros_like(squared)
    nearest = squared.argsort(dim=1, stable=True)[:, : sim.k_query + 1]
    shares = torch.exp(-squared.gather(1, nearest))
    own_sets.scatter_(1, nearest, shares / shares.sum(1, keepdim=True))
    apart = torch.empty_like(squared)
    for q in range(len(squared)):
        where = own_sets[q].nonzero()[:, 0]
        common = torch.minimum(own_sets[q, where], weights[:, where]).sum(1)
        apart[q] = 1 - common / (2 - common)
    return sim.alpha * squared + (1 - sim.alpha) * apart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3803)
    parser.add_argument("--gallery", type=int, default=3010)
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    centers = random.standard_normal((96, options.dim), dtype=np.float32)
    query, gallery = (
        Embeddings(
            centers[random.integers(0, 96, rows)]
            + random.standard_normal((rows, options.dim), dtype=np.float32)
        )
        for rows in (options.queries, options.gallery)
    )
    cosine, sim = Cosine(), SimilarityInference.sysu()
    to_gallery = cosine.distances(cosine.pairwise(query, gallery))
    within = cosine.distances(cosine.pairwise(gallery, gallery))
    np.fill_diagonal(within, 0)
    sim.rerank(to_gallery[:2, :50], sim.prepare(gallery[:50], cosine))  # compile

    print(f"SIM, {options.queries} x {options.gallery}")
    side, prepared = measured(lambda: sim.prepare(gallery, cosine), 3)
    _, ours = measured(lambda: sim.rerank(to_gallery, side), 3)
    from_matrix, both = measured(lambda: sim.rerank(to_gallery, sim.prepare_distances(within)), 3)
    line("ours, from both distance matrices", both)
    line("  of which queries", ours)
    line("ours, gallery side of embeddings", prepared, note=f"{options.dim} dimensions, products included")
    expected, peer = measured(lambda: dense(torch.from_numpy(to_gallery), torch.from_numpy(within), sim))
    line("dense, from both distance matrices", peer, both)
    apart = np.abs(from_matrix + expected.numpy())
    print(
        f"  greatest difference from the dense form {apart.max():.1e}; above 1e-5 in "
        f"{(apart > 1e-5).mean():.1e} of the pairs (ties in float32)"
    )


if __name__ == "__main__":
    main()
