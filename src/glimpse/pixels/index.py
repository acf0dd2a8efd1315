"""The cache's index: which version of which file has which slot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from glimpse.errors import StorageError
from glimpse.files import atomic_write, printable
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.source import Stamp

_FORMAT = "glimpse pixel cache 1"


class Entry(NamedTuple):
    """One version of one file; a changed file is another entry."""

    path: str
    stamp: Stamp


@dataclass
class Index:
    """Entries in the order of their slots, and the reasons of the slots whose file is broken.

    Slots are only ever added: a file that changed gets a new one, so that whoever reads the old
    pixels at that moment keeps reading them whole.
    """

    preparation: Preparation
    entries: list[Entry] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)

    def slots(self) -> dict[Entry, int]:
        """The slot of each entry."""
        return {entry: slot for slot, entry in enumerate(self.entries)}

    def add(self, entries: Iterable[Entry]) -> None:
        """Give the entries that have no slot the next ones, in the given order."""
        known = self.slots()
        self.entries.extend(entry for entry in dict.fromkeys(entries) if entry not in known)

    def save(self, path: Path) -> None:
        """Write the index; the old one stays until the new one is whole."""
        columns = {
            "format": _FORMAT,
            **self.preparation.to_json(),
            "paths": [entry.path for entry in self.entries],
            "sizes": [entry.stamp.size for entry in self.entries],
            "mtimes_ns": [entry.stamp.mtime_ns for entry in self.entries],
            "broken": {str(slot): reason for slot, reason in sorted(self.broken.items())},
        }
        with atomic_write(path) as file:
            file.write(json.dumps(columns).encode("ascii"))  # ASCII: names that are no text are escaped

    @classmethod
    def load(cls, path: Path, preparation: Preparation) -> Index:
        """Read the index; none yet is an empty one, and a damaged one is a `StorageError`."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls(preparation)
        except OSError as error:
            raise StorageError(f"cannot read {printable(path)}: {error.strerror}") from error
        try:
            return cls._parse(json.loads(data), preparation)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise damaged(path.parent, f"its index cannot be read ({error})") from error

    @classmethod
    def _parse(cls, columns: dict[str, Any], preparation: Preparation) -> Index:
        if columns["format"] != _FORMAT:
            raise ValueError(f"format {columns['format']!r}, expected {_FORMAT!r}")
        if Preparation.from_json(columns) != preparation:
            raise ValueError("it is about another size, filter or white level")
        paths, sizes, mtimes = columns["paths"], columns["sizes"], columns["mtimes_ns"]
        entries = [
            Entry(path, Stamp(size, mtime)) for path, size, mtime in zip(paths, sizes, mtimes, strict=True)
        ]
        if not all(
            type(e.path) is str and type(e.stamp.size) is type(e.stamp.mtime_ns) is int for e in entries
        ):
            raise TypeError("a path is no text or a stamp no whole number")
        if len(set(entries)) != len(entries):
            raise ValueError("a file has two slots")
        broken = {int(slot): str(reason) for slot, reason in columns["broken"].items()}
        if not all(0 <= slot < len(entries) for slot in broken):
            raise ValueError("a broken picture has no slot")
        return cls(preparation, entries, broken)


def damaged(folder: Path, reason: str) -> StorageError:
    """The sentence for a cache that cannot be trusted."""
    return StorageError(
        f"the pixel cache {printable(folder)} is damaged: {reason}; delete that folder to build it again"
    )
