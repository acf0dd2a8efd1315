"""SIM over a gallery of 100,000: one query at a time, one row added, one removed.

Run with `python -m benchmarks.sim_online`. A query's time includes its distances to the whole gallery.
`--unit` stores vectors of length 1, which saves computing the gallery's norms: a query of `--dim 512 --unit`
is to take less than 40 ms. The first query after a change also assembles the arrays that queries read.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.measure import MIB, line, measured
from glimpse.embeddings import Embeddings
from glimpse.reranking import IncrementalSide, SimilarityInference
from glimpse.similarity import Cosine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--unit", action="store_true")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    people = options.gallery // 20
    centers = random.standard_normal((people, options.dim), dtype=np.float32)
    vectors = [
        centers[random.integers(0, people, rows)]
        + random.standard_normal((rows, options.dim), dtype=np.float32)
        for rows in (options.queries, options.gallery)
    ]
    if options.unit:
        for part in vectors:
            part /= np.linalg.norm(part, axis=1, keepdims=True)
    query, gallery = (Embeddings(part) for part in vectors)
    cosine, sim = Cosine(unit_gallery=options.unit), SimilarityInference.sysu()
    sim.rerank(np.ones((2, 50)), sim.prepare(gallery[:50], cosine))  # compile

    kind = ", length 1" if options.unit else ""
    print(f"SIM online, gallery of {options.gallery} x {options.dim}{kind}")
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
    live = IncrementalSide(sim, cosine)
    _, built = measured(lambda: live.add(gallery))
    line("changing side, built", built)
    removed = random.integers(0, options.gallery - options.queries, options.queries)
    for name, change in (
        ("row added", lambda row: live.add(query[row : row + 1])),
        ("row removed", lambda row: live.remove([removed[row]])),
    ):
        changes, cpu_changes, firsts = [], [], []
        for row in range(options.queries):
            start, cpu = time.perf_counter(), time.process_time()
            change(row)
            middle, cpu_middle = time.perf_counter(), time.process_time()
            live.scores(query[row : row + 1])
            changes.append(middle - start)
            cpu_changes.append(cpu_middle - cpu)
            firsts.append(time.perf_counter() - middle)
        one, cpu, first = (1e3 * float(np.median(part)) for part in (changes, cpu_changes, firsts))
        print(
            f"  one {name}: median {one:.1f} ms ({cpu:.1f} CPU ms), slowest {1e3 * max(changes):.1f} ms; "
            f"the first query after it {first:.1f} ms"
        )
    dense = options.gallery**2 * 4
    print(f"  the gallery side holds {held / MIB:.0f} MiB, G x G would hold {dense / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
