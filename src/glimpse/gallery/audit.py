"""The audit log: who searched or changed a gallery, when, why and what; appended to, never rewritten.

A line of JSON per event. What tells who somebody is, names of files, persons, tracks and sources, is never
written: an erased person must not live on in the log.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glimpse.errors import StorageError
from glimpse.files import printable, storage_error

AUDIT = "audit.jsonl"
NOBODY = "unknown"


@dataclass(frozen=True)
class Event:
    """One line of the log.

    Attributes:
        time: ISO 8601, UTC.
        who: did it.
        purpose: why, as they said; empty if they did not.
        action: search, add, delete and so on.
        state: `begun` before a change, `done` after it, `failed`; searches are `done`.
        what: counts and conditions.
    """

    time: str
    who: str
    purpose: str
    action: str
    state: str
    what: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """The log of one gallery, as somebody writes it.

    Attributes:
        path: of the file.
        who: acts.
        purpose: why.
        clock: nanoseconds since 1970.
    """

    path: Path
    who: str
    purpose: str
    clock: Callable[[], int]

    def write(self, action: str, state: str = "done", **what: Any) -> None:
        """Append an event; it is on the disk when this returns.

        Raises:
            StorageError: if it cannot be written. Then what it tells of must not happen.
        """
        moment = datetime.fromtimestamp(self.clock() / 1e9, UTC).isoformat(timespec="milliseconds")
        event = {"time": moment, "who": self.who, "purpose": self.purpose, "action": action, "state": state}
        line = json.dumps({**event, "what": what}, ensure_ascii=True).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line  # a full disk cut the last line off
                if os.write(descriptor, line) != len(line):
                    raise OSError(28, "No space left on device")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise storage_error(self.path, error) from error

    def events(self) -> Iterator[Event]:
        """Every event, oldest first; a line that was cut off is an event of its own, `damaged`."""
        try:
            lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        except OSError as error:
            raise StorageError(
                f"cannot read the audit log {printable(self.path)}: {error.strerror}"
            ) from error
        for line in lines:
            try:
                yield Event(**json.loads(line))
            except (ValueError, TypeError):
                yield Event("", NOBODY, "", "damaged", "done", {"bytes": len(line)})


def account() -> str:
    """Who runs this process, as the system says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return NOBODY
