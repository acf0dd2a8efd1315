"""Numba's decorators with the types of what they decorate."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a function at its first call, keep the machine code on disk, hold no interpreter lock."""
    kernel: Callable[P, T] = njit(cache=True, nogil=True)(function)
    return kernel


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """The same for a helper of a kernel that is too small to be called."""
    kernel: Callable[P, T] = njit(cache=True, nogil=True, inline="always")(function)
    return kernel
