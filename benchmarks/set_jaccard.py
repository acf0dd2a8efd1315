"""Jaccard coefficients of Market-1501's size, against faiss and torch.

Run with `python -m benchmarks.set_jaccard`. The peers are timed on some queries against the whole gallery and
multiplied; both are linear in the number of queries. Of all, the best of three rounds counts.
"""

from __future__ import annotations

import argparse

import faiss
import numpy as np
import torch

from benchmarks.measure import Measured, line, measured
from glimpse.embeddings import Embeddings
from glimpse.similarity import SetJaccard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3368)
    parser.add_argument("--gallery", type=int, default=19732)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--sliced", type=int, default=64, help="queries that the peers are timed on")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    query, gallery = (
        Embeddings(random.gamma(0.5, size=(rows, options.dim)).astype(np.float32))
        for rows in (options.queries, options.gallery)
    )
    few = query.vectors[: options.sliced]
    factor = options.queries / options.sliced
    SetJaccard().top_k(query[:2], gallery[:10], 2)  # compile

    def scaled(measure: Measured) -> Measured:
        return Measured(measure.wall * factor, measure.cpu * factor, measure.memory)

    def cdist() -> np.ndarray:
        apart = torch.cdist(torch.from_numpy(few), torch.from_numpy(gallery.vectors), p=1).numpy()
        total = few.sum(1)[:, None] + gallery.vectors.sum(1)
        return (total - apart) / (total + apart)

    print(f"set Jaccard, {options.queries} x {options.gallery} x {options.dim}")
    scores, ours = measured(lambda: SetJaccard().pairwise(query, gallery), 3)
    line("ours, all scores", ours)
    line("ours, top 100", measured(lambda: SetJaccard().top_k(query, gallery, 100), 3)[1])
    by_torch, torch_time = measured(cdist, 3)
    note = f"extrapolated from {options.sliced} queries"
    line("torch.cdist(p=1)", scaled(torch_time), ours, note)
    by_faiss, faiss_time = measured(
        lambda: faiss.pairwise_distances(few, gallery.vectors, faiss.METRIC_Jaccard), 3
    )
    line("faiss METRIC_Jaccard", scaled(faiss_time), ours, note)
    part = scores[: options.sliced]
    print(
        f"  {options.queries * options.gallery * options.dim / ours.wall / 1e9:.1f} G minima per second; "
        f"greatest difference from torch {np.abs(part - by_torch).max():.1e}, "
        f"from faiss {np.abs(part - by_faiss).max():.1e}"
    )


if __name__ == "__main__":
    main()
