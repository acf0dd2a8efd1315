"""Compiled kernels over all cores, on plain threads that do not hold the interpreter.

Plain threads rather than numba's own: a kernel compiles in half the time, several callers may work at
once, and a process that forks later does not hang (OpenMP's would).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from numba import get_num_threads, njit

P = ParamSpec("P")
T = TypeVar("T")

# our choice: a thread that finishes early finds more work
PIECES_PER_THREAD = 8


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """Compile at the first call, keep the machine code on disk, hold no interpreter lock."""
    kernel: Callable[P, T] = njit(cache=True, nogil=True)(function)
    return kernel


def compiled_fastmath(function: Callable[P, T]) -> Callable[P, T]:
    """The same with sums in any order, so that they are computed in vectors; for finite numbers only."""
    kernel: Callable[P, T] = njit(cache=True, nogil=True, fastmath=True)(function)
    return kernel


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """The same for a helper of a kernel that is too small to be called."""
    kernel: Callable[P, T] = njit(cache=True, nogil=True, inline="always")(function)
    return kernel


def over_pieces(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `kernel(first, last, *arguments)` for pieces of `range(count)`, all cores at the same time.

    Args:
        kernel: compiled, without a result; pieces must not touch each other's output.
        count: how many rows there are.
        arguments: what the kernel takes beside the piece.
    """
    threads = min(get_num_threads(), count)
    if threads <= 1:
        kernel(0, count, *arguments)
        return
    pieces = min(count, threads * PIECES_PER_THREAD)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # list() waits, and raises what a piece raised
        list(pool.map(lambda first, last: kernel(first, last, *arguments), edges[:-1], edges[1:]))
