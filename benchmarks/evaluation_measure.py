"""What the evaluation benchmarks share: time and memory of a call, and protocols of published sizes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import psutil

from glimpse.protocols import Protocol, single_query
from glimpse.records import Records

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
    """Run `work`; the fastest of some runs, and the highest memory of all above `base` or the start."""
    best: Measured | None = None
    for _ in range(repeats):
        process, done, peak = psutil.Process(), threading.Event(), [0]
        held = held_now() if base is None else base

        def watch(
            process: psutil.Process = process, done: threading.Event = done, peak: list[int] = peak
        ) -> None:
            while not done.wait(0.002):
                peak[0] = max(peak[0], process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        done.set()
        watcher.join()
        memory = max(0, peak[0] - held, best.memory if best else 0)
        best = Measured(min(wall, best.wall if best else wall), min(cpu, best.cpu if best else cpu), memory)
    assert best is not None
    return result, best


def people(random: np.random.Generator, rows: int, persons: int, cameras: int, prefix: str) -> Records:
    """Rows that spread over persons and cameras."""
    return Records.from_columns(
        [f"{prefix}{row:06d}" for row in range(rows)],
        random.integers(0, persons, rows),
        camera=random.integers(1, cameras + 1, rows),
    )


def market_like(queries: int, gallery: int, persons: int, cameras: int) -> Protocol:
    """Market-1501's protocol on random rows of these numbers."""
    random = np.random.default_rng(0)
    return single_query(
        people(random, queries, persons, cameras, "q"), people(random, gallery, persons, cameras, "g")
    )
