"""Reading a picture's file: whole, bounded, and known to be the file that was asked for."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from glimpse.errors import BrokenImageError, UnreadableImageError

# Opening a pipe would wait for its other end; on Windows text would be translated.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Stamp(NamedTuple):
    """What tells one version of a file from the next."""

    size: int
    mtime_ns: int


def stamp_of(path: str | os.PathLike[str]) -> Stamp:
    """The stamp of a regular file, or the reason why there is none."""
    name = os.fspath(path)
    try:
        status = os.stat(name)  # noqa: PTH116 (a data set has half a million paths)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnreadableImageError(name, _reason(error)) from error
    return _stamp(status, name)


def read_source(path: str | os.PathLike[str], *, max_bytes: int, expected: Stamp | None = None) -> bytes:
    """The bytes of the file, unless it is no file, too large, or not the version `expected`."""
    name = os.fspath(path)
    try:
        # plain calls of the system, as few as will do: after each a thread may wait for the interpreter
        file = os.open(name, _FLAGS)
        try:
            stamp = _stamp(os.fstat(file), name)
            if stamp.size > max_bytes:
                raise BrokenImageError(
                    name, f"the file has {stamp.size:,} bytes, more than the {max_bytes:,} allowed"
                )
            data = os.read(file, stamp.size + 1)
            while 0 < len(data) < stamp.size and (more := os.read(file, stamp.size + 1 - len(data))):
                data += more
            after = _stamp(os.fstat(file), name)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        stamp_of(name)  # which may know better what is wrong: a folder cannot be opened everywhere
        raise UnreadableImageError(name, _reason(error)) from error
    if after != stamp or len(data) != stamp.size or expected not in (None, stamp):
        raise UnreadableImageError(name, "the file changed while it was being read")
    return data


def _stamp(status: os.stat_result, name: str) -> Stamp:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImageError(name, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError(name, "it is not a regular file")
    return Stamp(status.st_size, status.st_mtime_ns)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "permission to read the file is denied"
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be read ({error.strerror})"
    return f"the file cannot be read ({error})"
