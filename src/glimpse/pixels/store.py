"""The cache on disk: slots of pixels in a memory map, and the index of which file has which slot."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.files import atomic_write, printable, regular_target, reserve, storage_error
from glimpse.pixels.decode import Stamp
from glimpse.pixels.preparation import Preparation

_WORD = np.dtype("<u8")
_WRITTEN = 1 << 32
_SEALED = 2 << 32
_CHECKSUM = np.uint64(0xFFFFFFFF)


class Slots:
    """The two files in `folder`, for images of one shape `(H, W, 3)`."""

    def __init__(self, folder: Path, shape: tuple[int, int, int]) -> None:
        self.folder = folder
        self.shape = shape
        self.bytes_per_slot = int(np.prod(shape))
        self.pixels_path = folder / "pixels.bin"
        self.states_path = folder / "states.bin"

    def check(self, count: int) -> None:
        """Refuse files that are too short for the `count` slots of the index."""
        for path, unit in ((self.pixels_path, self.bytes_per_slot), (self.states_path, _WORD.itemsize)):
            size = path.stat().st_size if path.exists() else 0
            if size < count * unit:
                raise damaged(
                    self.folder, f"{path.name} has {size} bytes where its index needs {count * unit}"
                )

    def grow(self, old: int, new: int) -> None:
        """Make room on the disk for slots `old` to `new - 1`, with nothing in them.

        The room is allocated now, so that a full disk is one sentence at the beginning instead of a
        crash in the middle.
        """
        _allocate(self.pixels_path, new * self.bytes_per_slot)
        _allocate(self.states_path, new * _WORD.itemsize)
        with self.states_path.open("r+b") as file:  # a build killed before its index may have left marks
            file.seek(old * _WORD.itemsize)
            file.write(bytes((new - old) * _WORD.itemsize))
            file.flush()
            os.fsync(file.fileno())

    def pixels(self, count: int) -> NDArray[np.uint8]:
        """The pixels `[count, H, W, 3]`, mapped from the file for reading."""
        if count == 0:
            return np.empty((0, *self.shape), np.uint8)
        return np.memmap(self.pixels_path, np.uint8, "r", shape=(count, *self.shape)).view(np.ndarray)

    def filled(self, count: int) -> NDArray[np.bool_]:
        """Which slots `[count]` hold pixels, sealed or not."""
        return self._states(count) >= _WRITTEN

    def sealed(self, count: int) -> NDArray[np.bool_]:
        """Which slots `[count]` hold pixels that are known to be on the disk."""
        return self._states(count) >= _SEALED

    def checksums(self, count: int) -> NDArray[np.uint32]:
        """CRC-32 `[count]` of the pixels that were written into each slot."""
        return (self._states(count) & _CHECKSUM).astype(np.uint32)

    def drop_torn(self, count: int) -> None:
        """Empty every unsealed slot whose pixels are not those that were written."""
        states, pixels = self._states(count), self.pixels(count)
        torn = [
            int(slot)
            for slot in np.flatnonzero((states >= _WRITTEN) & (states < _SEALED))
            if zlib.crc32(pixels[slot]) != int(states[slot] & _CHECKSUM)
        ]
        if torn:
            states[torn] = 0
            self._write_states(states)

    def seal(self, count: int) -> None:
        """Bring what was written to the disk, then mark it so."""
        states = self._states(count)
        written = (states >= _WRITTEN) & (states < _SEALED)
        if written.any():
            self._to_disk(self.pixels_path)
            states[written] = (states[written] & _CHECKSUM) | np.uint64(_SEALED)
            self._write_states(states)

    def _states(self, count: int) -> NDArray[np.uint64]:
        return np.fromfile(self.states_path, _WORD, count) if count else np.empty(0, _WORD)

    def _write_states(self, states: NDArray[np.uint64]) -> None:
        """Overwrite the first words; the caller holds the cache's lock, so that nobody else writes."""
        try:
            with self.states_path.open("r+b") as file:
                file.write(states.tobytes())
            self._to_disk(self.states_path)
        except OSError as error:
            raise storage_error(self.states_path, error) from error

    def _to_disk(self, path: Path) -> None:
        try:
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(path, error) from error


class SlotWriter:
    """Writes images into slots; each thread or process has its own.

    Plain writes rather than a writable memory map: on a full disk a write fails with an error that can
    be told, a map with a signal that kills the process.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._files = ExitStack()

    def __enter__(self) -> SlotWriter:
        try:
            self._pixels = self._files.enter_context(self._slots.pixels_path.open("r+b", buffering=0))
            self._states = self._files.enter_context(self._slots.states_path.open("r+b", buffering=0))
        except OSError as error:
            self._files.close()
            raise storage_error(self._slots.folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def write(self, slot: int, pixels: NDArray[np.uint8]) -> None:
        """Write the image, then its mark."""
        data = pixels.tobytes()
        mark = np.array(_WRITTEN | zlib.crc32(data), _WORD).tobytes()
        try:
            _write_at(self._pixels, slot * self._slots.bytes_per_slot, data)
            _write_at(self._states, slot * _WORD.itemsize, mark)
        except OSError as error:
            raise storage_error(self._slots.pixels_path, error) from error


def _write_at(file: FileIO, offset: int, data: bytes) -> None:
    file.seek(offset)
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _allocate(path: Path, size: int) -> None:
    """Extend the file to `size` bytes that the disk truly has; a longer file is left as it is."""
    missing = size
    path = regular_target(path)
    try:
        with path.open("ab") as file:
            old = file.tell()
            missing = size - old
            if missing > 0:
                try:
                    reserve(file.fileno(), path.parent, old, missing)
                    os.fsync(file.fileno())  # the index, which comes next, must not outlive the room
                except OSError:
                    file.truncate(old)
                    raise
    except OSError as error:
        raise StorageError(f"{storage_error(path, error)} (it needs {missing:,} bytes more)") from error


_FORMAT = "glimpse pixel cache 1"
# how an index begins: with the CRC-32 of the bytes after this
_CRC = b'{"crc32": "%08x", '
_CRC_KEY = _CRC.index(b"%")
_CRC_LENGTH = len(_CRC % 0)


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
        rest = json.dumps(columns).encode("ascii")[1:]  # ASCII: names that are no text are escaped
        with atomic_write(path) as file:
            file.write(_CRC % zlib.crc32(rest) + rest)

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
            rest = data[_CRC_LENGTH:]
            # an index from before checksums begins otherwise
            if data.startswith(_CRC[:_CRC_KEY]) and data != _CRC % zlib.crc32(rest) + rest:
                raise ValueError("it is not the one that was written")
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
            raise ValueError("a broken image has no slot")
        return cls(preparation, entries, broken)


def damaged(folder: Path, reason: str) -> StorageError:
    """The error for a damaged cache."""
    return StorageError(
        f"the pixel cache {printable(folder)} is damaged: {reason}; delete that folder to build it again"
    )
