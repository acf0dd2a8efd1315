"""Files that are written whole or not at all, and a lock that holds between processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from glimpse.errors import OptionError, StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the disk's file system allows",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EISDIR: "a folder has that name",
    errno.EEXIST: "a file has that name",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links lead in a circle",
}
_READ_REASONS = _REASONS | {
    errno.ENOENT: "there is no such file",
    errno.EISDIR: "it is a folder, not a file",
}
# Errors that only a write can give: inside a caller's block any other OSError may be about another file.
_WRITE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
# The names of temporary files tell which process of which machine writes them.
_TEMPORARY = ".tmp-"
_HERE = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_OWNED = re.compile(rf"{re.escape(_TEMPORARY)}{_HERE}-(\d+)-")
_BEGUN = ".lock"  # in a folder that a command fills, with what it fills in


def printable(path: str | os.PathLike[str]) -> str:
    r"""The path as one printable line: names may hold newlines or bytes that are no text.

    >>> printable("people/0001_c1.jpg"), printable("two\nlines")
    ('people/0001_c1.jpg', 'two\\nlines')
    """
    name = os.fspath(path)
    return name if name.isprintable() else repr(name)[1:-1]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_path(text: str | os.PathLike[str]) -> Path:
    """The path that a user wrote: `~` and `~name` are their home folders."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise OptionError(f"{printable(text)} names a home folder, and there is none") from error


def read_file(path: str | os.PathLike[str], what: str = "file") -> bytes:
    """The bytes of a regular file; opening a pipe would wait for its other end.

    Args:
        path: the file.
        what: it is, for the sentence that says that it cannot be read.

    Raises:
        StorageError: if there is no such file, or it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 (a descriptor)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read()
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a NUL in the name
        raise StorageError(f"cannot read the {what} {printable(path)}: {read_reason(error)}") from error
    raise StorageError(f"cannot read the {what} {printable(path)}: it is not a regular file")


def read_json(path: str | os.PathLike[str], what: str = "file", **options: Any) -> Any:
    """What a JSON file holds; a byte order mark at its beginning is passed over.

    Args:
        path: the file.
        what: it is, for the sentence that says that it cannot be read.
        options: of `json.loads`.

    Raises:
        StorageError: if it cannot be read.
    """
    data = read_file(path, what)
    try:
        return json.loads(data, **options)
    except (ValueError, RecursionError) as error:
        raise StorageError(
            f"cannot read the {what} {printable(path)}: it cannot be read as JSON ({error})"
        ) from error


def read_reason(error: Exception) -> str:
    """Why something cannot be read, in a few words."""
    if isinstance(error, OSError):
        return _READ_REASONS.get(error.errno or 0, error.strerror or type(error).__name__)
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    return str(error)


def storage_error(path: str | os.PathLike[str], error: OSError) -> StorageError:
    """The sentence for a file that could not be written."""
    reason = _REASONS.get(error.errno or 0, error.strerror or type(error).__name__)
    return StorageError(f"cannot write {printable(path)}: {reason}")


def regular_target(path: str | os.PathLike[str]) -> Path:
    """Where a file that is written to `path` comes to lie: what links lead to is written, the links stay.

    Raises:
        StorageError: if something is there that is no regular file. Whoever may replace a device or a pipe
            would otherwise make a file of it.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (of the path as it was given)
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise storage_error(path, error) from error
    if stat.S_ISDIR(mode):
        raise storage_error(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    if not stat.S_ISREG(mode):
        kind = "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"
        raise StorageError(f"cannot write {printable(path)}: it is a {kind}, and a regular file is expected")
    return Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)


def temporary_name(suffix: str = "") -> str:
    """A new name for a file or folder that is renamed when it is whole.

    >>> temporary_name(".png").startswith(".tmp-"), temporary_name(".png").endswith(".png")
    (True, True)
    """
    return f"{_TEMPORARY}{_HERE}-{os.getpid()}-{secrets.token_hex(6)}{suffix}"


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders of processes of this machine that are gone.

    A process that is killed cannot do it itself. What others are writing now is left alone.
    """
    if sys.platform == "win32":  # asking whether a process lives would end it there
        return
    with suppress(OSError):
        for entry in os.scandir(folder):
            owner = _OWNED.match(entry.name)
            if owner is None or _alive(int(owner[1])):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108 (a path of scandir)


def begin_folder(folder: Path, what: str, *, resume: bool, advice: str = "") -> None:
    """Make the folder that a command fills, or find the one that it began to fill before.

    Args:
        folder: must be new or empty; or, with `resume`, one that an earlier call began.
        what: is filled in, in words; a folder of something else is refused.
        resume: whether what was begun may be gone on with.
        advice: what to do if it may not.

    Raises:
        OptionError: if other files are there, which would be mixed with the new ones.
        StorageError: if it is no folder, or cannot be made.
    """
    check_folder(folder, what, resume=resume, advice=advice)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _BEGUN).exists():
            (folder / _BEGUN).write_text(what)
    except OSError as error:
        raise storage_error(folder, error) from error
    for below, _, _ in os.walk(folder):
        remove_leftovers(Path(below))


def check_folder(folder: Path, what: str, *, resume: bool, advice: str = "") -> None:
    """What `begin_folder` refuses, without making anything."""
    try:
        empty = not folder.exists() or not any(folder.iterdir())
        begun = (folder / _BEGUN).read_text() if (folder / _BEGUN).is_file() else None
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, OSError) else OSError(errno.EINVAL, "no folder of ours")
        raise storage_error(folder, reason) from error
    if empty:
        return
    if begun not in (what, ""):  # what earlier versions began is not said
        there = f"holds {begun}" if begun else "is not empty"
        raise OptionError(f"{printable(folder)} {there}: choose a new or an empty folder for {what}")
    if not resume:
        raise OptionError(f"{printable(folder)} holds {what} already{advice}")


def check_apart(folder: Path, source: Path) -> None:
    """Refuse to write into a folder that is, or contains, what is read.

    >>> check_apart(Path("runs/bot"), Path("data/market"))
    >>> check_apart(Path("data"), Path("data/market"))
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: data contains the data set data/market: write into another folder
    """
    target, data = folder.resolve(), source.resolve()
    if target == data or target in data.parents:
        how = "is" if target == data else "contains"
        raise OptionError(
            f"{printable(folder)} {how} the data set {printable(source)}: write into another folder"
        )


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the same folder that becomes `path` when the block ends well.

    For libraries that insist on opening the file themselves; `atomic_write` is simpler. The file reaches
    the disk before it gets its name, so a kill or a power cut leaves the old file or the new one, whole.
    The temporary path keeps the suffix of `path`, and is removed if the block raises. Of a link the target
    is replaced; what is there and no regular file is refused (`regular_target`).
    """
    target = regular_target(path)
    _forget_leftovers(target.absolute().parent)
    temporary = target.with_name(temporary_name(target.suffix))
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno in _WRITE_ERRORS or error.filename in (str(temporary), temporary):
                raise storage_error(target, error) from error
            raise
        try:
            _to_disk(temporary)
            os.replace(temporary, target)  # noqa: PTH105 (the name of the atomic operation says what matters)
            _folder_to_disk(target.parent)
        except OSError as error:
            raise storage_error(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write into, that becomes `path` when the block ends well.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder) / "card.json") as file:
    ...         _ = file.write(b"{}")
    ...     (Path(folder) / "card.json").read_bytes()
    b'{}'
    """
    with atomic_path(path) as temporary, temporary.open("xb") as file:
        yield file


@cache
def _forget_leftovers(folder: Path) -> None:
    """`remove_leftovers`, once per folder and process: to list a large folder takes a while."""
    remove_leftovers(folder)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no number of a process
        return True
    return True


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    """Make the new name durable; Windows cannot open folders and needs no such call."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it; the rename itself is done
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reserve(descriptor: int, folder: Path, start: int, size: int) -> None:
    """Take room on the disk for `size` bytes of an open file from `start` on, so that later writes find it.

    Raises:
        OSError: if the disk has not so much; where room cannot be taken, as far as that can be known.
    """
    if sys.platform == "linux":
        try:
            os.posix_fallocate(descriptor, start, size)
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    # Where room cannot be reserved, the free space of this moment is the best that can be known.
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.truncate(descriptor, start + size)


@contextmanager
def locked(path: str | os.PathLike[str], *, wait: bool = True) -> Iterator[int]:
    """Hold the exclusive lock of the file `path`, against other processes and other threads.

    The system gives the lock back when the holder ends, however it ends; the empty file stays, since
    removing it would let two holders in. With `wait=False` a lock held elsewhere is a `StorageError`.

    Yields:
        The descriptor of the lock. On POSIX a child process that is given it (`pass_fds`) keeps the
        lock alive if this process is killed; it does not if the block here ends in order.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        if not _acquire(descriptor, wait=wait):
            raise StorageError(f"{printable(path)} is locked: another process is using it")
        try:
            yield descriptor
        finally:
            _release(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt
    import time

    def _acquire(descriptor: int, *, wait: bool) -> bool:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(0.1)

    def _release(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _acquire(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
