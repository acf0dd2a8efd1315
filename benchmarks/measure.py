"""Time, processor time and memory of a call, for the benchmarks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import psutil

T = TypeVar("T")
MIB = 2**20


class Measured(NamedTuple):
    """Seconds on the clock, seconds of all cores, and memory above what was held before, in bytes."""

    wall: float
    cpu: float
    memory: int

    def __str__(self) -> str:
        return f"{self.wall:8.2f} s {self.cpu:8.2f} CPU s {self.memory / MIB:8.0f} MiB"


def measured(work: Callable[[], T], repeats: int = 1) -> tuple[T, Measured]:
    """Run `work`; the fastest of some runs, and the highest memory of all, its result included."""
    process = psutil.Process()
    walls, cpus, peaks = [], [], []
    for _ in range(repeats):
        done, held = threading.Event(), process.memory_info().rss
        seen = [held]

        def watch(done: threading.Event = done, seen: list[int] = seen) -> None:
            while not done.wait(0.002):
                seen.append(max(seen.pop(), process.memory_info().rss))

        watcher = threading.Thread(target=watch)
        watcher.start()
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        done.set()
        watcher.join()
        peaks.append(max(seen[0], process.memory_info().rss) - held)
    return result, Measured(min(walls), min(cpus), max(0, *peaks))


def line(name: str, measure: Measured, ours: Measured | None = None, note: str = "") -> None:
    """Print one row of a benchmark; with `ours`, how many times as long a peer takes."""
    ratio = "" if ours is None else f"   {measure.wall / ours.wall:7.1f} times ours"
    print(f"  {name:34s}{measure}{ratio}{'   ' + note if note else ''}", flush=True)
