"""A progress bar for work that takes longer than a glance."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

_PATIENCE = 2.0  # seconds; DESIGN: a bar on anything longer

Advance = Callable[[int], None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]


@contextmanager
def terminal_bar(label: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, if that is a terminal and the work lasts longer than two seconds.

    Yields:
        A function that is told how many more items are done.
    """
    started = time.monotonic()
    done = 0
    update: Advance | None = None

    with ExitStack() as stack:

        def advance(count: int) -> None:
            nonlocal done, update
            done += count
            if update is not None:
                update(done)
            elif sys.stderr.isatty() and time.monotonic() - started > _PATIENCE:
                update = stack.enter_context(_bar(label, total))
                update(done)

        yield advance


@contextmanager
def _bar(label: str, total: int) -> Iterator[Advance]:
    # Imported late: rich costs more than decoding the few images of a short build.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def silent(label: str, total: int) -> Iterator[Advance]:
    """No bar."""
    yield lambda count: None
