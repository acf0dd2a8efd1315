"""k-reciprocal re-ranking of Market-1501's size, against the dense form of its authors' code.

Run with `python -m benchmarks.k_reciprocal`. The dense peer follows the reference step by step: N x N
squared distances, their full sort, dense V, an inverted index. Both start from the same embeddings. Where
memory does not suffice for the dense form, both are also compared at `--dense` points.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import psutil

from benchmarks.measure import MIB, line, measured
from glimpse.embeddings import Embeddings
from glimpse.reranking import KReciprocal
from glimpse.similarity import Cosine


def dense(query: np.ndarray, gallery: np.ndarray, method: KReciprocal) -> np.ndarray:
    whole = np.concatenate([query, gallery])
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    distances = 2 - 2 * (whole @ whole.T)
    distances /= distances.max(1, keepdims=True)
    count, queries = len(whole), len(query)
    rank = np.argsort(distances, axis=1).astype(np.int32)
    weights = np.zeros((count, count), np.float32)
    near = rank[:, : max(method.k1 + 1, method.k2)].copy()
    full, half = method.k1 + 1, round(method.k1 / 2) + 1

    def reciprocal(i: int, k: int) -> np.ndarray:
        forward = near[i, :k]
        return forward[np.where(near[forward, :k] == i)[0]]

    for i in range(count):
        own = reciprocal(i, full)
        members = own
        for c in own:
            theirs = reciprocal(c, half)
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                members = np.append(members, theirs)
        members = np.unique(members)
        shares = np.exp(-distances[i, members])
        weights[i, members] = shares / shares.sum()
    first = distances[:queries]
    averaged = np.zeros_like(weights)
    for i in range(count):
        averaged[i] = weights[near[i, : method.k2]].mean(0)
    del weights, rank
    holders = [np.where(averaged[:, t] != 0)[0] for t in range(count)]
    result = np.zeros((queries, count), np.float32)
    for q in range(queries):
        common = np.zeros(count, np.float32)
        for t in np.where(averaged[q] != 0)[0]:
            common[holders[t]] += np.minimum(averaged[q, t], averaged[holders[t], t])
        result[q] = 1 - common / (2 - common)
    return (result * (1 - method.weight) + first * method.weight)[:, queries:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3368)
    parser.add_argument("--gallery", type=int, default=19732)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--dense", type=int, default=6000, help="points if memory is short for all")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    centers = random.standard_normal((1501, options.dim), dtype=np.float32)
    query, gallery = (
        centers[random.integers(0, 1501, rows)]
        + random.standard_normal((rows, options.dim), dtype=np.float32)
        for rows in (options.queries, options.gallery)
    )
    method = KReciprocal()

    def sparse(queries: int, rows: int) -> np.ndarray:
        return method.scores(Embeddings(query[:queries]), Embeddings(gallery[:rows]), Cosine())

    sparse(10, 100)  # compile
    count = options.queries + options.gallery
    sizes = [(options.queries, options.gallery)]
    free = psutil.virtual_memory().available
    if free < 24 * count**2:  # measured: five matrices of N x N, and what sorting one takes
        print(f"{free / MIB:.0f} MiB free: the dense form of N = {count} is left out")
        sizes.append((options.dense // 7, options.dense - options.dense // 7))
    for place, (queries, rows) in enumerate(sizes):
        print(f"k-reciprocal, N = {queries + rows}: {queries} x {rows} x {options.dim}")
        scores, ours = measured(partial(sparse, queries, rows), 2)
        line("ours, from embeddings", ours)
        if place == len(sizes) - 1:
            expected, peer = measured(partial(dense, query[:queries], gallery[:rows], method))
            line("dense reference", peer, ours, f"{peer.memory / max(ours.memory, 1):.1f} times the memory")
            apart = np.abs(scores + expected)
            print(
                f"  greatest difference {apart.max():.1e}; above 1e-5 in "
                f"{(apart > 1e-5).mean():.1e} of the pairs"
            )


if __name__ == "__main__":
    main()
