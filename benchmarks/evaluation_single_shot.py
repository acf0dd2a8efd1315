"""CUHK03-style sampling, 1,400 x 5,328 with 10 repeats, against dictionaries and `np.random.choice`.

Run with `python -m benchmarks.evaluation_single_shot`. The peer is a stand-in written from the metric's
definition in the published way: for each query and repeat a row of each person is chosen in Python. It is
run on part of the queries and its time is multiplied; the two draw differently, so that their numbers
agree within the sampling error only.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.measure import measured
from benchmarks.random_protocols import market_like
from glimpse.evaluation import evaluate
from glimpse.protocols import Protocol, SingleShot


def plain_loop(scores: Any, protocol: Protocol, queries: int, repeats: int) -> tuple[float, float]:
    """(rank-1, mAP) of the first queries."""
    np.random.seed(0)  # noqa: NPY002 (as the peer does)
    query, gallery = protocol.query, protocol.gallery
    order = np.argsort(-scores[:queries], axis=1)
    hits, precisions, answered = 0.0, 0.0, 0
    for q in range(queries):
        ranked = order[q]
        junk = (gallery.person[ranked] == query.person[q]) & (gallery.camera[ranked] == query.camera[q])
        persons = gallery.person[ranked][~junk]
        right = persons == query.person[q]
        if not right.any():
            continue
        answered += 1
        rows: dict[int, list[int]] = {}
        for place, person in enumerate(persons):
            rows.setdefault(person, []).append(place)
        for _ in range(repeats):
            mask = np.zeros(len(persons), bool)
            for places in rows.values():
                mask[np.random.choice(places)] = True  # noqa: NPY002
            rank = 1 + int(np.flatnonzero(right[mask])[0])
            hits += rank == 1
            precisions += 1 / rank
    return hits / (answered * repeats), precisions / (answered * repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--peer-queries", type=int, default=100)
    options = parser.parse_args()
    protocol = replace(market_like(1400, 5328, 700, 2), single_shot=SingleShot(options.repeats))
    same = protocol.query.person[:, None] == protocol.gallery.person
    scores = np.random.default_rng(1).standard_normal(same.shape, dtype=np.float32) + 2 * same
    scores = scores.astype(np.float32)

    evaluate(scores, replace(protocol, single_shot=SingleShot(1)))  # compile
    result, ours = measured(lambda: evaluate(scores, protocol), 3)
    few = options.peer_queries
    (rank1, precision), peer = measured(lambda: plain_loop(scores, protocol, few, options.repeats))
    whole = peer.wall * 1400 / few
    error = 0.5 / (few * options.repeats) ** 0.5
    part = result.only(np.arange(1400) < few)
    print(f"single-shot sampling, 1400 x 5328, 700 persons, {options.repeats} repeats")
    print(f"  ours                  {ours}")
    print(f"  plain loop, {few:4} queries {peer}   {whole / ours.wall:6.0f} times ours for all queries")
    print(
        f"  rank-1 and mAP of these queries: ours {part.rank_k(1):.4f} {part.mean_ap:.4f}, "
        f"the loop's {rank1:.4f} {precision:.4f}; standard error up to {error:.4f}"
    )


if __name__ == "__main__":
    main()
