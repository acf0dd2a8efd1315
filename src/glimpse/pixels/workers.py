"""The parent of the workers: plain processes that decode on every core.

Not `fork`, after which threaded kernels hang; not `multiprocessing`'s spawn, which runs the user's
script once more in every worker. Each worker is a bare interpreter that imports NumPy and Pillow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from glimpse.errors import GlimpseError, StorageError
from glimpse.files import printable
from glimpse.pixels.decode import Stamp
from glimpse.pixels.fill import Broken, Task, fill
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.store import Entry, Slots, SlotWriter


def main() -> None:
    """Process tasks from the parent until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata would tear the progress bar
    queue = sys.stdin.buffer
    header = json.loads(queue.readline())
    prepare = Preparation.from_json(header)
    try:
        with SlotWriter(Slots(Path(header["folder"]), prepare.shape)) as writer:
            for line in queue:
                tasks = [Task(slot, Entry(path, Stamp(*stamp))) for slot, (path, stamp) in json.loads(line)]
                _answer({"broken": [failure for task in tasks if (failure := fill(task, prepare, writer))]})
    except StorageError as error:
        _answer({"storage": str(error)})


def _answer(message: dict[str, Any]) -> None:
    try:
        sys.stdout.buffer.write(json.dumps(message).encode("ascii") + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the parent is gone; leave without flushing what nobody will read
        os._exit(0)


if __name__ == "__main__":
    main()


# Our choice: long enough that the pipe costs nothing, short enough that the bar moves, that STOP stops
# soon and that the orphans of a killed parent end within a moment.
_TASKS_AT_ONCE = 16
# The worker looks for modules exactly where its parent does, however that came about.
_START = "import sys; sys.path[:] = sys.argv[1:]; from glimpse.pixels.workers import main; main()"
# Every numerical library would else start a thread per core in every worker.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def fill_by_workers(
    tasks: Sequence[Task],
    prepare: Preparation,
    slots: Slots,
    *,
    workers: int,
    lock: int,
    stop_on_broken: bool,
    advance: Callable[[int], None],
) -> list[Broken]:
    """Fill the slots by `workers` processes, in about the given order.

    Tasks are handed out in order and every task handed out is finished: of the broken images, the
    first in the given order is always among those returned, also when stopping at the first one seen.

    Args:
        tasks: what to fill.
        prepare: how.
        slots: where.
        workers: how many processes.
        lock: the descriptor of the cache's lock. Workers hold it too, so that after a kill of this
            process no other build begins while one of them still writes.
        stop_on_broken: hand out nothing more once an image is broken.
        advance: told the number of images just finished.
    """
    queue = _TaskQueue(tasks)
    answers: SimpleQueue[_Answer] = SimpleQueue()
    broken: list[Broken] = []
    with ExitStack() as stack:
        started = [stack.enter_context(_Worker(prepare, slots, lock)) for _ in range(workers)]
        threads = [
            threading.Thread(target=_keep_busy, args=(worker, queue, answers), daemon=True)
            for worker in started
        ]
        try:
            for thread in threads:
                thread.start()
            busy = len(threads)
            while busy:
                answer = answers.get()
                if answer is None:
                    busy -= 1
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    count, failures = answer
                    advance(count)
                    broken += failures
                    if broken and stop_on_broken:
                        queue.stop()
        except BaseException:  # also Ctrl-C: what a killed worker had not finished bears no mark
            queue.stop()
            for worker in started:
                worker.kill()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:  # started
                    thread.join()
    return broken


# The images finished and those of them that are broken; what went wrong; or the end of a worker.
_Answer = tuple[int, list[Broken]] | Exception | None


class _TaskQueue:
    """Hands out the tasks in order, to several threads."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._next = 0
        self._turn = threading.Lock()

    def take(self) -> Sequence[Task]:
        with self._turn:
            start = self._next
            self._next += _TASKS_AT_ONCE
            return self._tasks[start : self._next]

    def stop(self) -> None:
        with self._turn:
            self._next = len(self._tasks)


def _keep_busy(worker: _Worker, queue: _TaskQueue, answers: SimpleQueue[_Answer]) -> None:
    try:
        while tasks := queue.take():
            answers.put((len(tasks), worker.do(tasks)))
    except Exception as error:
        answers.put(error)
    finally:
        answers.put(None)


class _Worker:
    """One worker process and the two pipes to it."""

    def __init__(self, prepare: Preparation, slots: Slots, lock: int) -> None:
        self._slots = slots
        self._header = {**prepare.to_json(), "folder": str(slots.folder)}
        self._lock = lock

    def __enter__(self) -> _Worker:
        keep_open: dict[str, Any] = {} if sys.platform == "win32" else {"pass_fds": (self._lock,)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD},
            **keep_open,
        )
        with suppress(OSError):  # if it has ended already, its first order says so
            self._send(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # a dead worker cannot take what was still to be sent
                    pipe.close()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    def do(self, tasks: Sequence[Task]) -> list[Broken]:
        """Process the tasks; returns those whose image is broken."""
        try:
            self._send(tasks)
            line = self._process.stdout.readline() if self._process.stdout else b""
        except OSError:
            line = b""
        if not line:
            raise GlimpseError(self._crash_message(tasks))
        answer = json.loads(line)
        if "storage" in answer:
            raise StorageError(answer["storage"])
        return [Broken(*failure) for failure in answer["broken"]]

    def _send(self, message: Any) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            pipe.write(json.dumps(message).encode("ascii") + b"\n")
            pipe.flush()

    def _crash_message(self, tasks: Sequence[Task]) -> str:
        code = self._process.wait()
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        filled = self._slots.filled(max(task.slot for task in tasks) + 1)
        left = [task for task in tasks if not filled[task.slot]] or list(tasks)
        return (
            f"a decoding process ended with {end} at {printable(left[0].entry.path)} or one of the"
            f" {len(left) - 1} images after it; what was done before is kept"
        )
