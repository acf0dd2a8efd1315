"""The folder that a tree is written into: empty, or left unfinished by the same options."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from glimpse.datasets.counts import WORLD_CARD
from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_write, locked, printable, regular_target, storage_error
from glimpse.world.export.tree import Options

TRUTH = "ground_truth"
_WORK = f"{TRUTH}/.unfinished"
_HALF = ".tmp-"  # how the names of temporary files begin, here and in `glimpse.files`
_FORMAT = 2  # of what is left behind by a killed run; another version of Glimpse does not continue it


@contextmanager
def opened(root: Path, options: Options) -> Iterator[Path]:
    """Hold the folder of unfinished work; it is removed when the block ends well.

    Raises:
        OptionError: the folder is not empty, and not an unfinished run with these options.
        StorageError: it cannot be written, or another process is writing it.
    """
    work = root / _WORK
    _refuse_foreign(root, work, options)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error.filename or root, error) from error
    with locked(work / "lock", wait=False):
        with atomic_write(work / "options.json") as file:
            file.write(_described(options).encode())
        _forget_halves(root)
        yield work
        try:
            shutil.rmtree(work)
        except OSError as error:
            raise StorageError(f"cannot remove {printable(work)}: {error.strerror}") from error


def write_whole(root: Path, path: str, content: bytes) -> None:
    """Write one file of the tree, whole or not at all, with the folders that it needs.

    `settle_on_disk` makes many of them durable at once: to wait for the disk at each of a hundred
    thousand small files (`glimpse.files.atomic_write`) takes longer than to render them.
    """
    target = regular_target(root / path)
    temporary = target.with_name(f"{_HALF}{secrets.token_hex(8)}")
    try:
        try:
            temporary.write_bytes(content)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(target, error) from error


def settle_on_disk() -> None:
    """Wait until everything written reached the disk; Windows has no such call and settles by itself."""
    if hasattr(os, "sync"):
        os.sync()


def _described(options: Options) -> str:
    return json.dumps({"format": _FORMAT, **asdict(options)}, indent=1) + "\n"


def _refuse_foreign(root: Path, work: Path, options: Options) -> None:
    name = printable(root)
    if root.exists() and not root.is_dir():
        raise OptionError(f"{name} is a file; expected a new or an empty folder")
    try:
        present = _names(root) if root.is_dir() else set()
        begun = (work / "options.json").is_file()
    except OSError as error:
        raise OptionError(f"cannot look into {name}: {error.strerror}") from error
    if begun:
        _refuse_other_options(work / "options.json", options, name)
    elif WORLD_CARD in present:
        raise OptionError(f"{name} already holds a finished world; choose another folder or remove it")
    elif present and not (present == {TRUTH} and _names(root / TRUTH) <= {work.name}):
        raise OptionError(f"{name} is not empty; expected a new or an empty folder")


def _names(folder: Path) -> set[str]:
    """The names in a folder; of a file its own."""
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else {folder.name}


def _refuse_other_options(path: Path, options: Options, name: str) -> None:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        wanted = json.loads(_described(options))
        other = next((key for key in wanted if before[key] != wanted[key]), None)
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise OptionError(
            f"{name} holds an unfinished world that cannot be continued; remove the folder"
        ) from wrong
    if other is not None:
        raise OptionError(
            f"{name} holds an unfinished world with {other} {before[other]!r}, asked for {wanted[other]!r}; "
            "ask for the same to continue it, or choose another folder"
        )


def _forget_halves(root: Path) -> None:
    """Remove the temporary files that a killed run could not."""
    for path in root.rglob(f"{_HALF}*"):
        path.unlink(missing_ok=True)
