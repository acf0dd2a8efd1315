"""Images per second of the world's renderer, and how they scale from one thread to two and to all cores.

Run with `python benchmarks/world_rendering.py`. The batch holds whole, occluded, partial and infrared
images by several cameras; compilation is not counted. Ratios are between runs that take turns.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from glimpse.world.frame import Shot
from glimpse.world.world import World

SIZES = ((128, 64), (256, 128))
ROUNDS = 3


def seconds(
    world: World, shots: tuple[Shot, ...], size: tuple[int, int], samples: int, threads: int
) -> float:
    start = time.perf_counter()
    world.render(shots, size=size, samples=samples, threads=threads)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--samples", type=int, default=4)
    options = parser.parse_args()
    world = World(0, people=options.people, cameras=6)
    shots = world.plan(kinds=("whole", "occluded", "partial"), bands=("rgb",)) + world.plan(
        cameras=[0, 1], bands=("near_infrared", "thermal"), first_seed=100
    )
    start = time.perf_counter()
    world.render(shots[:1], size=(32, 16), samples=1)
    print(f"{len(shots)} images, {options.samples} samples per pixel, {os.cpu_count()} cores")
    print(f"first image (compiles, or loads what was compiled): {time.perf_counter() - start:.1f} s")
    threads = sorted({1, 2, os.cpu_count() or 1})
    for size in SIZES:
        taken = {n: np.zeros((ROUNDS, 2)) for n in threads}
        for turn in range(ROUNDS):
            for n in threads:
                taken[n][turn] = seconds(world, shots, size, options.samples, n)
        best = {n: taken[n][:, 0].min() for n in threads}
        spent = min(taken[n][:, 1].min() for n in threads)
        rates = ", ".join(f"{len(shots) / best[n]:.0f} images/s on {n}" for n in threads)
        ratios = ", ".join(f"{n} threads are {best[1] / best[n]:.2f} times one" for n in threads[1:])
        print(f"{size[0]}x{size[1]}: {rates}; {ratios}")
        print(f"  {len(shots) / spent:.0f} images per processor second, which other work disturbs least")


if __name__ == "__main__":
    main()
