"""A retriever's folder: `card.json`, and the encoder's own files with their fingerprints."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from glimpse.errors import StorageError
from glimpse.files import (
    atomic_write,
    fingerprint,
    printable,
    remove_leftovers,
    storage_error,
    temporary_name,
    user_path,
)
from glimpse.serial import parse_json

CARD = "card.json"
VERSION = 1
_FORMAT = "glimpse-retriever-"
_KEYS = {"format", "encoder", "similarity", "reranker", "calibration", "about", "files"}


def write_folder(folder: Path, write: Callable[[Path], dict[str, Any]], *, replace: bool) -> None:
    """Let `write` fill a new folder and return its card's values, then give it its name.

    The name appears in one step, so that no half-written folder is ever seen under it; a link keeps leading
    there. With `replace` an old retriever makes way; a kill in the instant between leaves it beside, as
    `.old-NAME-…`.
    """
    folder = check_free(folder, replace=replace)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder.absolute().parent)
        with _beside(folder, temporary_name()) as temporary:
            values = write(temporary)
            names = sorted(path.name for path in temporary.iterdir())
            prints = {name: fingerprint(temporary / name) for name in names}
            card = {"format": f"{_FORMAT}{VERSION}", **values, "files": prints}
            with atomic_write(temporary / CARD) as file:
                file.write((json.dumps(card, indent=1, allow_nan=False) + "\n").encode())
            with _beside(folder, f"{_old_names(folder)}{secrets.token_hex(4)}") as old:
                if folder.exists():
                    folder.rename(old / folder.name)
                temporary.rename(folder)
        for left in folder.absolute().parent.glob(f"{escape(_old_names(folder))}*"):
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed in that instant
    except OSError as error:
        raise storage_error(folder, error) from error


def check_free(folder: Path, *, replace: bool, advice: str = "say that it is to be replaced") -> Path:
    """The folder, at the end of its links, where a retriever may be written; else a `StorageError`."""
    try:
        folder = Path(os.path.realpath(folder)) if folder.is_symlink() else folder
        retriever = (folder / CARD).is_file()
        if folder.exists() and not (replace and retriever):
            what = f"a retriever is there: {advice}" if retriever else "something else is there"
            raise StorageError(f"cannot write {printable(folder)}: {what}")
    except OSError as error:
        raise storage_error(folder, error) from error
    return folder


def read_card(folder: Path) -> dict[str, Any]:
    """The card's values, once format, keys and fingerprints are right."""
    shown = printable(folder)
    try:
        card = parse_json((folder / CARD).read_bytes())
    except FileNotFoundError as missing:
        raise StorageError(f"there is no retriever in {shown}: it has no {CARD}") from missing
    except (OSError, ValueError) as damage:
        raise StorageError(f"the card of the retriever {shown} cannot be read: {damage}") from damage
    kind = card.get("format") if isinstance(card, dict) else None
    version = re.fullmatch(rf"{_FORMAT}(\d+)", str(kind))
    if version is None:
        raise StorageError(f"{shown} holds no retriever: its card is of format {kind}")
    if int(version[1]) > VERSION:
        raise StorageError(
            f"the retriever {shown} was written by a newer Glimpse ({kind}, this one reads up to "
            f"{_FORMAT}{VERSION}): update Glimpse"
        )
    wrong = sorted(set(card) ^ _KEYS)
    if wrong:
        what = "lacks" if wrong[0] in _KEYS else "has the unknown key"
        raise StorageError(f"the card of the retriever {shown} {what} {wrong[0]!r}")
    if not isinstance(card["files"], dict) or not isinstance(card["encoder"], dict):
        raise StorageError(f"the card of the retriever {shown} must tell of its files and its encoder")
    for name, expected in card["files"].items():
        if Path(name).name != name or not (folder / name).is_file():
            raise StorageError(f"the retriever {shown} lacks its file {name}")
        if fingerprint(folder / name) != expected:
            raise StorageError(
                f"the file {name} of the retriever {shown} is not the one that was saved with it"
            )
    return dict(card)


def shipped() -> dict[str, Path]:
    """The retrievers that come with Glimpse, by name."""
    root = Path(str(files("glimpse"))) / "weights"
    found = sorted(root.iterdir()) if root.is_dir() else []
    return {folder.name: folder for folder in found if (folder / CARD).is_file()}


def find(name: str | Path) -> Path:
    """The folder that a path or a shipped name means; a folder that exists comes first."""
    folder = user_path(name)
    if folder.is_dir():
        return folder
    known = shipped()
    if str(name) in known:
        return known[str(name)]
    raise StorageError(
        f"there is no retriever {printable(folder)}: it is neither a folder nor one of those that come with "
        f"Glimpse ({', '.join(known) or 'none'})"
    )


def _old_names(folder: Path) -> str:
    """How the names begin under which a retriever makes way for its successor."""
    return f".old-{folder.name}-"


@contextmanager
def _beside(folder: Path, name: str) -> Iterator[Path]:
    """A new folder on the same disk, gone afterwards with whatever is still in it."""
    temporary = folder.absolute().with_name(name)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
