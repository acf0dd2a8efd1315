"""CMC, mAP and mINP from a score matrix of Market-1501's size, against compiled argsort evaluators.

Run with `python -m benchmarks.evaluation_scores`. The peers are stand-ins for what is in use: one sorts
all rows with NumPy and walks the order in compiled code (fast-reid's and torchreid's way), the other does
both in compiled code, row by row, on all cores.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numba import njit, prange

from benchmarks.measure import measured
from benchmarks.random_protocols import market_like
from glimpse.evaluation import evaluate


@njit(cache=True)
def walk(order: Any, q: int, qp: Any, qc: Any, gp: Any, gc: Any, cmc: Any, ap: Any, inp: Any) -> None:
    """Walk a ranked list as every published evaluator does."""
    rank, found, total = 0, 0, 0.0
    last = 0
    for j in order:
        if gp[j] == qp[q] and gc[j] == qc[q]:
            continue
        rank += 1
        if gp[j] == qp[q]:
            found += 1
            total += found / rank
            last = rank
            if found == 1 and rank <= cmc.shape[1]:
                cmc[q, rank - 1 :] = 1.0
    if found:
        ap[q] = total / found
        inp[q] = found / last


@njit(parallel=True, cache=True)
def compiled_rows(scores: Any, qp: Any, qc: Any, gp: Any, gc: Any, cmc: Any, ap: Any, inp: Any) -> None:
    for q in prange(scores.shape[0]):
        order = np.argsort(-scores[q], kind="mergesort")
        walk(order, q, qp, qc, gp, gc, cmc, ap, inp)


@njit(parallel=True, fastmath=True, cache=True)
def read_once(scores: Any) -> Any:
    """The sum of each row: what it takes to read the matrix once."""
    sums = np.zeros(scores.shape[0], np.float32)
    for q in prange(scores.shape[0]):
        total = np.float32(0)
        for score in scores[q]:
            total += score
        sums[q] = total
    return sums


@njit(cache=True)
def walk_all(order: Any, qp: Any, qc: Any, gp: Any, gc: Any, cmc: Any, ap: Any, inp: Any) -> None:
    for q in range(order.shape[0]):
        walk(order[q], q, qp, qc, gp, gc, cmc, ap, inp)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3368)
    parser.add_argument("--gallery", type=int, default=19732)
    options = parser.parse_args()
    protocol = market_like(options.queries, options.gallery, 751, 6)
    shape = (len(protocol.query), len(protocol.gallery))
    scores = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    identities = [
        column.astype(np.int64)
        for side in (protocol.query, protocol.gallery)
        for column in (side.person, side.camera)
    ]

    def peer(sort_all: bool) -> tuple[Any, Any, Any]:
        outputs = np.zeros((shape[0], 50)), np.full(shape[0], np.nan), np.full(shape[0], np.nan)
        if sort_all:
            walk_all(np.argsort(-scores, axis=1), *identities, *outputs)
        else:
            compiled_rows(scores, *identities, *outputs)
        return outputs

    small = market_like(5, 30, 3, 6)
    evaluate(scores[:5, :30], small)  # compile
    read_once(scores[:2])
    compiled_rows(scores[:2], *identities, np.zeros((2, 50)), np.zeros(2), np.zeros(2))
    walk_all(np.zeros((2, 3), np.int64), *identities, np.zeros((2, 50)), np.zeros(2), np.zeros(2))

    result, ours = measured(lambda: evaluate(scores, protocol), 7)
    _, once = measured(lambda: read_once(scores), 7)
    (cmc, ap, inp), rows = measured(lambda: peer(False))
    _, whole = measured(lambda: peer(True))
    valid = ~np.isnan(ap)
    equal = (
        np.array_equal(result.query, np.flatnonzero(valid))
        and np.allclose(result.average_precision, ap[valid], rtol=1e-13, atol=0)
        and np.allclose(result.inp, inp[valid], rtol=1e-13, atol=0)
        and np.allclose(result.cmc, cmc[valid].mean(axis=0), rtol=1e-13, atol=0)
    )
    print(f"evaluation from scores, {shape[0]} x {shape[1]}")
    print(
        f"  ours                          {ours}   {ours.wall / once.wall:6.1f} times reading the matrix once"
    )
    print(f"  argsort row by row, compiled  {rows}   {rows.wall / ours.wall:6.1f} times ours")
    print(f"  NumPy argsort of the matrix   {whole}   {whole.wall / ours.wall:6.1f} times ours")
    print(f"  equal to the peers' results: {'yes' if equal else 'NO'}")


if __name__ == "__main__":
    main()
