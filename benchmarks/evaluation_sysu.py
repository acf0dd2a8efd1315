"""SYSU-MM01's ten trials, single-shot and with `--multi` also ten-shot, against the published plain loop.

Run with `python -m benchmarks.evaluation_sysu`. There are as many queries as in the data set (3,803) and
a slightly larger gallery, since every person is in every camera here (384 for 301; 3,840 for 3,010). The
peer is a stand-in written from the metric's definition, as the published Python evaluations do it: sort,
filter by location, keep the first row of each person with `np.unique`, per query.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import measured
from glimpse.evaluation import evaluate
from glimpse.protocols import Protocol, sysu_mm01
from glimpse.records import Records

PERSONS, MAX_RANK = 96, 20


def rows(cameras: tuple[int, ...], images: int, prefix: str) -> Records:
    """As many images of each person by each camera."""
    grid = [(p, c, i) for p in range(PERSONS) for c in cameras for i in range(images)]
    return Records.from_columns(
        [f"{prefix}/{p:04d}/{c}/{i:04d}" for p, c, i in grid],
        [p for p, _, _ in grid],
        camera=[c for _, c, _ in grid],
    )


def plain_loop(scores: Any, protocol: Protocol) -> tuple[float, float, float]:
    """(rank-1, mAP, mINP) over the trials."""
    trials = []
    for trial in protocol.trials:
        query, gallery = protocol.query[trial.query], protocol.gallery[trial.gallery]
        order = np.argsort(-scores[:, trial.gallery], axis=1, kind="stable")
        location = np.where(query.camera == 3, 2, query.camera)
        first, precisions, penalties = [], [], []
        for q in range(len(query)):
            ranked = gallery.person[order[q]][gallery.camera[order[q]] != location[q]]
            right = ranked == query.person[q]
            if not right.any():
                continue
            _, places = np.unique(ranked, return_index=True)
            persons = ranked[np.sort(places)]
            curve = (persons == query.person[q]).cumsum()
            curve[curve > 1] = 1
            first.append(curve[:MAX_RANK])
            so_far = right.cumsum()
            precisions.append(np.sum(so_far / np.arange(1, len(right) + 1) * right) / right.sum())
            penalties.append(right.sum() / (1 + np.flatnonzero(right)[-1]))
        trials.append((np.mean(first, axis=0)[0], np.mean(precisions), np.mean(penalties)))
    rank1, precision, penalty = np.mean(trials, axis=0)
    return float(rank1), float(precision), float(penalty)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--multi", action="store_true")
    multi = parser.parse_args().multi
    infrared, visible = rows((3, 6), 20, "ir")[:3803], rows((1, 2, 4, 5), 15, "rgb")
    scores = np.random.default_rng(0).standard_normal((len(infrared), len(visible)), dtype=np.float32)
    for protocol in sysu_mm01(infrared, visible, None)[: 1 + multi]:
        evaluate(scores, protocol, max_rank=MAX_RANK)  # compile
        result, ours = measured(partial(evaluate, scores, protocol, max_rank=MAX_RANK), 3)
        expected, peer = measured(partial(plain_loop, scores, protocol))
        found = (result.rank_k(1), result.mean_ap, result.mean_inp)
        gallery = len(protocol.trials[0].gallery)
        print(f"SYSU-MM01, {protocol.name}, ten trials of {len(infrared)} x {gallery}")
        print(f"  ours        {ours}")
        print(f"  plain loop  {peer}   {peer.wall / ours.wall:6.1f} times ours")
        print(f"  equal: {'yes' if np.allclose(found, expected, rtol=1e-12, atol=0) else 'NO'}")


if __name__ == "__main__":
    main()
