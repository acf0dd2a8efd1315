"""The machine a process runs on: its cores, its threads, its device and its memory."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from glimpse.errors import OptionError
from glimpse.ranges import Range

if TYPE_CHECKING:
    import torch

# The largest block that glibc adapts to, less what it adds to a block.
_LARGEST_BLOCK = 2**25 - 2**14
_THREADS_PER_CORE = 4  # our choice: threads that wait for a disk leave cores to others, thousands starve all


def cores(most: int | None = None) -> int:
    """How many cores this process may use, at most `most`."""
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return usable if most is None else min(usable, most)


def check_threads(name: str, count: int | None) -> None:
    """Refuse a number of threads, or of processes, that this machine only loses by; None is our own choice.

    >>> check_threads("threads", 1)
    >>> check_threads("threads", 0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: threads must be from 1 to ..., 4 for each core of this machine, got 0
    """
    limits = Range(1, _THREADS_PER_CORE * cores())
    if count is not None and count not in limits:
        raise OptionError(
            f"{name} must be {limits}, {_THREADS_PER_CORE} for each core of this machine, got {count}"
        )


def limit_spinning() -> None:
    """Let OpenMP's idle threads spin for microseconds; to be called before torch is imported.

    Torch's threads meet after every operation. Where another program keeps a core busy, one of them has to
    wait there, and the others burn the time that it needs: training a small network on two threads then is
    half as fast as on one. What a user has set in the environment stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def hardware() -> str:
    """The processor, and how many cores of it this process may use, for the record of a figure."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [
            line.split(":", 1)[1].strip()
            for line in information.read_text().splitlines()
            if "model name" in line
        ]
        model = names[0] if names else model
    return f"{cores()} cores of {model}"


def torch_device(name: str) -> torch.device:
    """The device of this process: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU if there is one.

    Under torchrun each process has a GPU of its own.

    >>> torch_device("cpu").type
    'cpu'
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"there is no kind of device called {name!r}; try cpu, cuda or auto") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch sees no GPU here: choose the device cpu or auto")
    count = _devices(device.type)
    if (device.index or 0) >= count:
        there = f"has {count} of that kind" if count else "has none of that kind"
        raise OptionError(f"there is no device {name} here: this machine {there}, choose cpu or auto")
    return device


def _devices(kind: str) -> int:
    """How many devices of a kind torch can compute on here."""
    import torch

    if kind == "cpu":
        return 1
    module = getattr(torch, kind, None)  # torch.cuda, torch.mps, torch.xpu; what only describes has none
    there = torch.backends.mps.is_available() if kind == "mps" else hasattr(module, "is_available")
    return int(module.device_count()) if module is not None and there else 0


@contextmanager
def preserved_threads() -> Iterator[None]:
    """Give torch its number of threads back when the block ends.

    Numba's kernels run on OpenMP and set its number of threads for torch too. Sums over other numbers of
    threads differ in their last bits, so training after a validation would not be the training before it.
    """
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def one_core_each() -> Iterator[Callable[[], None]]:
    """A function for new threads, after which torch computes on one core in each of them.

    Torch keeps the number per thread, and a default for threads to come, which is put back.
    """
    import torch

    before = torch.get_num_threads()
    try:
        yield lambda: torch.set_num_threads(1)
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Let large arrays be made of memory that this process has freed, instead of asking the system anew.

    The system hands out zeroed pages one by one: on a CPU every large tensor then costs a page fault per
    4 KiB, a quarter of the time of a small network. glibc keeps blocks up to the largest one of at most
    32 MiB that it has seen freed, and as much again at the end of its heap; other libraries notice nothing.
    A process that has run for long has usually come to the same state by itself.
    """
    # zeroed by the system and never touched, so it costs no page
    bytes(_LARGEST_BLOCK)
