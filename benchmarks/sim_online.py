"""SIM over a gallery of 100,000, one query at a time, after the gallery side is built.

Run with `python -m benchmarks.sim_online`. A query's time includes its distances to the whole gallery.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.measure import MIB, line, measured
from glimpse.embeddings import Embeddings
from glimpse.reranking import SimilarityInference
from glimpse.similarity import Cosine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=50)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    people = options.gallery // 20
    centers = random.standard_normal((people, options.dim), dtype=np.float32)
    query, gallery = (
        Embeddings(
            centers[random.integers(0, people, rows)]
            + random.standard_normal((rows, options.dim), dtype=np.float32)
        )
        for rows in (options.queries, options.gallery)
    )
    cosine, sim = Cosine(), SimilarityInference.sysu()
    sim.rerank(np.ones((2, 50)), sim.prepare(gallery[:50], cosine))  # compile

    print(f"SIM online, gallery of {options.gallery} x {options.dim}")
    side, prepared = measured(lambda: sim.prepare(gallery, cosine))
    line("gallery side", prepared)
    held = sum(array.nbytes for array in (side.near, side.steps, side.starts, side.holders, side.weights))
    distance_times, times, cpu_times = [], [], []
    for row in range(options.queries):
        start, cpu = time.perf_counter(), time.process_time()
        distances = cosine.distances(cosine.pairwise(query[row : row + 1], gallery))
        middle = time.perf_counter()
        sim.rerank(distances, side)
        distance_times.append(middle - start)
        times.append(time.perf_counter() - start)
        cpu_times.append(time.process_time() - cpu)
    one, cpu, part = (1e3 * float(np.median(part)) for part in (times, cpu_times, distance_times))
    print(
        f"  one query: median {one:.1f} ms ({cpu:.1f} CPU ms), slowest {1e3 * max(times):.1f} ms, of which "
        f"distances {part:.1f} ms"
    )
    dense = options.gallery**2 * 4
    print(f"  the gallery side holds {held / MIB:.0f} MiB, G x G would hold {dense / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
