"""A process that fills slots: orders come in by standard input, answers leave by standard output.

Both speak JSON, one message a line. The first line says what cache to write; every further line is a
list of tasks, answered by the list of those that are broken. The process ends when its input does, so
a killed parent leaves no orphan behind for longer than one list.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from glimpse.errors import StorageError
from glimpse.pixels.fill import Task, fill
from glimpse.pixels.index import Entry
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.slots import Slots, SlotWriter
from glimpse.pixels.source import Stamp


def main() -> None:
    """Serve the parent process until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata would tear the progress bar
    orders = sys.stdin.buffer
    header = json.loads(orders.readline())
    prepare = Preparation.from_json(header)
    try:
        with SlotWriter(Slots(Path(header["folder"]), prepare.shape)) as writer:
            for line in orders:
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
