"""What the C library does with memory that is given back to it."""

from __future__ import annotations

# The most that glibc learns from, less what it adds to a block.
_LARGEST_LESSON = 2**25 - 2**14


def keep_freed_memory() -> None:
    """Let large arrays be made of memory that this process has freed, instead of asking the system anew.

    The system hands out zeroed pages one by one: on a CPU every large tensor then costs a page fault per
    4 KiB, a quarter of the time of a small network. glibc keeps blocks up to the largest one of at most
    32 MiB that it has seen freed, and as much again at the end of its heap; other libraries notice nothing.
    A process that has run for long has usually come to the same state by itself.
    """
    # zeroed by the system and never touched, so it costs no page
    bytes(_LARGEST_LESSON)
