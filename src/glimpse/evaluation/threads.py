"""Kernels over all cores: pieces of the queries, each on a thread that does not hold the interpreter.

Plain threads rather than numba's own: a kernel compiles in half the time, several callers may
evaluate at once, and a process that forks later does not hang (OpenMP's would).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import get_num_threads

PIECES_PER_THREAD = 8
"""So that a thread which finishes early finds more work: our choice."""


def over_pieces(count: int, work: Callable[[int, int], None]) -> None:
    """Call `work(first, last)` for consecutive pieces of `range(count)`, at the same time.

    Args:
        count: how many queries there are.
        work: a compiled kernel without the interpreter's lock; pieces must not touch each other's output.
    """
    threads = min(get_num_threads(), count)
    if threads <= 1:
        work(0, count)
        return
    pieces = min(count, threads * PIECES_PER_THREAD)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # list() waits, and raises what a piece raised
        list(pool.map(work, edges[:-1], edges[1:]))
