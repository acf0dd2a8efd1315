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


def held_now() -> int:
    """Memory of this process, in bytes; pages of mapped files included."""
    return int(psutil.Process().memory_info().rss)


def measured(work: Callable[[], T], repeats: int = 1, base: int | None = None) -> tuple[T, Measured]:
    """Run `work`; the fastest of some runs, and the highest memory of all, its result included.

    Memory is counted above `base`, or above what was held when each run began.
    """
    process = psutil.Process()
    walls, cpus, peaks = [], [], []
    for _ in range(repeats):
        held = held_now()
        done, seen = threading.Event(), [held]

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
        peaks.append(max(seen[0], held_now()) - (held if base is None else base))
    return result, Measured(min(walls), min(cpus), max(0, *peaks))


def line(name: str, measure: Measured, ours: Measured | None = None, note: str = "") -> None:
    """Print one row of a benchmark; with `ours`, how many times as long a peer takes.

    The ratio of processor time is printed beside that of the clock, because other work on the machine
    disturbs it less.
    """
    ratio = ""
    if ours is not None:
        ratio = f"   {measure.wall / ours.wall:7.1f} times ours (CPU {measure.cpu / max(ours.cpu, 1e-9):.1f})"
    print(f"  {name:34s}{measure}{ratio}{'   ' + note if note else ''}", flush=True)
