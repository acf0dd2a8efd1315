"""Straight from embeddings of MSMT17's size, 11,659 x 82,161 x 768, without ever holding Q x G.

Run with `python -m benchmarks.evaluation_embeddings`. The peer is the product of the two matrices alone,
a block of queries at a time: what no evaluator can be faster than. Equality is shown on part of the
queries, whose score matrix is made and evaluated as a whole.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.measure import MIB, held_now, measured
from benchmarks.random_protocols import market_like
from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.similarity import Cosine


def memory_mapped(folder: Path, name: str, rows: int, dim: int) -> Embeddings:
    """Random vectors on disk."""
    vectors = np.lib.format.open_memmap(folder / name, "w+", np.float32, (rows, dim))
    random = np.random.default_rng(len(name))
    for start in range(0, rows, 4096):
        part = vectors[start : start + 4096]
        part[:] = random.standard_normal(part.shape, dtype=np.float32)
    vectors.flush()
    del vectors
    return Embeddings(np.load(folder / name, mmap_mode="r"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=11659)
    parser.add_argument("--gallery", type=int, default=82161)
    parser.add_argument("--dim", type=int, default=768)
    options = parser.parse_args()
    protocol = market_like(options.queries, options.gallery, 3060, 15)
    small = market_like(5, 30, 3, 6)
    vectors = np.random.default_rng(0).standard_normal((35, 8), dtype=np.float32)
    pair = Embeddings(vectors[:5]), Embeddings(vectors[5:])
    evaluate(pair, small, similarity=Cosine())  # compile
    base = held_now()
    with tempfile.TemporaryDirectory() as name:
        query = memory_mapped(Path(name), "query.npy", options.queries, options.dim)
        gallery = memory_mapped(Path(name), "gallery.npy", options.gallery, options.dim)
        _, ours = measured(lambda: evaluate((query, gallery), protocol, similarity=Cosine()), base=base)

        def products() -> None:
            for start in range(0, len(query), 256):
                np.asarray(query.vectors[start : start + 256]) @ np.asarray(gallery.vectors).T

        _, peer = measured(products, base=base)
        few = 300
        part = replace(protocol, query=protocol.query[:few], trials=())
        tiled = evaluate((query[:few], gallery), part, similarity=Cosine())
        whole = evaluate(Cosine().pairwise(query[:few], gallery), part)
    inputs = (query.vectors.nbytes + gallery.vectors.nbytes) / MIB
    print(
        f"evaluation from embeddings, {options.queries} x {options.gallery} x {options.dim}, {inputs:.0f} MiB"
    )
    print(f"  ours, memory above the interpreter      {ours}")
    times = ours.wall / peer.wall
    print(f"  the matrix products alone               {peer}   ours takes {times:.2f} times that")
    apart = np.abs(tiled.average_precision - whole.average_precision).max()
    print(f"  {few} queries against their whole matrix: AP differs by at most {apart:.1e}")


if __name__ == "__main__":
    main()
