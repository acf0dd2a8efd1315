"""Reading numbers and cells from MATLAB files (version 5, which MATLAB 5 to 7 write), every length checked.

SciPy's compiled reader does not check the lengths in a file: a changed byte can crash the process.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import LayoutError, StorageError
from glimpse.files import printable, read_file
from glimpse.records import IntArray

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL = 1
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1"
}  # fmt: skip
_NUMBERS = range(6, 16)  # classes: of reals and whole numbers
_COMPLEX = 0x800
# our choices: far more than the files of data sets hold
_MOST_BYTES = 2**28
_DEEPEST = 8


class _DamagedError(ValueError):
    """What is damaged in the file."""


_UNREADABLE = (StorageError, ValueError, MemoryError)  # numpy's own: of a shape beyond all measure


def read_variable(path: Path, name: str, meaning: str) -> NDArray[Any]:
    """A variable of numbers `[rows, columns, ...]`, or of cells as an array of objects that are arrays again.

    Args:
        path: the file.
        name: the variable.
        meaning: what it is, for the error where it is missing.
    """
    try:
        found = _read(path, name)
    except _UNREADABLE as wrong:
        raise LayoutError(f"{printable(path)} does not hold {meaning} {name}: {wrong}") from wrong
    if name not in found:
        raise LayoutError(f"{printable(path)} does not hold {meaning} {name}, as numbers or cells")
    return found[name]


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Every variable of numbers or cells by its name, as `read_variable` gives them; others are left out."""
    try:
        return _read(path, None)
    except _UNREADABLE as wrong:
        raise LayoutError(f"{printable(path)} cannot be read as a MATLAB file: {wrong}") from wrong


def whole_numbers(values: NDArray[Any], what: str) -> IntArray:
    """Numbers of any type as integers; `what` they are called in the error where they are not whole."""
    if values.dtype.kind not in "iuf":
        raise LayoutError(f"{what} must hold numbers, got {values.dtype}")
    numbers = np.where(np.abs(values.astype(np.float64)) < 2**53, values, -(2**53)).astype(np.int64)
    if not np.array_equal(numbers, values):
        raise LayoutError(f"{what} must hold whole numbers, got {values[numbers != values].flat[0]}")
    return numbers


def _read(path: Path, only: str | None) -> dict[str, NDArray[Any]]:
    data = read_file(path)
    order = _byte_order(data)
    found: dict[str, NDArray[Any]] = {}
    for kind, content in _Elements(data, _HEADER, len(data), order):
        if kind == _COMPRESSED:
            content = _Elements(_decompressed(bytes(content)), 0, None, order).next(_MATRIX)
        elif kind != _MATRIX:
            continue
        matrix = _Matrix.begin(content, order)
        if matrix.readable and only in (None, matrix.name):
            found[matrix.name] = matrix.values(0)
    return found


def _byte_order(data: bytes) -> str:
    if data.startswith(b"MATLAB 7.3") or data[:4] == b"\x89HDF":
        raise _DamagedError("it is of version 7.3; save it with -v7")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise _DamagedError("it is not of version 5; save it with -v7")
    return order


def _decompressed(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, _MOST_BYTES)
    except zlib.error as wrong:
        raise _DamagedError(f"a variable cannot be decompressed ({wrong})") from wrong
    if not stream.eof:
        more = "has more than the bytes allowed" if len(content) == _MOST_BYTES else "is cut"
        raise _DamagedError(f"a compressed variable {more}")
    return content


class _Elements:
    """The elements in a part of a file, one after the other."""

    def __init__(self, data: bytes | memoryview, start: int, stop: int | None, order: str) -> None:
        self._data = memoryview(data)
        self._place = start
        self._stop = len(self._data) if stop is None else stop
        self._order = order

    def __iter__(self) -> Iterator[tuple[int, memoryview]]:
        while self._place < self._stop:
            yield self._read()

    def next(self, *kinds: int) -> memoryview:
        """The content of the next element, which must be of one of these kinds."""
        kind, content = self._read()
        if kind not in kinds:
            raise _DamagedError(f"an element is of kind {kind}, expected {' or '.join(map(str, kinds))}")
        return content

    def numbers(self) -> NDArray[Any]:
        """The next element, of numbers."""
        kind, content = self._read()
        if kind not in _STORED:
            raise _DamagedError(f"an element is of kind {kind}, expected numbers")
        stored = np.dtype(self._order + _STORED[kind])
        if len(content) % stored.itemsize:
            raise _DamagedError(f"{len(content)} bytes are no whole number of {stored.name}")
        return np.frombuffer(content, stored)

    @property
    def most(self) -> int:
        """How many elements there can be at most."""
        return (self._stop - self._place) // 8

    def _read(self) -> tuple[int, memoryview]:
        if self._place + 8 > self._stop:
            raise _DamagedError("it is cut")
        kind, size = struct.unpack_from(f"{self._order}II", self._data, self._place)
        if kind >> 16:  # up to four bytes lie in the tag itself
            kind, size, start, after = kind & 0xFFFF, kind >> 16, self._place + 4, self._place + 8
            if size > 4:
                raise _DamagedError(f"a small element has {size} bytes")
        else:
            start = self._place + 8
            after = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if start + size > self._stop:
            raise _DamagedError("an element reaches beyond its end")
        self._place = after
        return kind, self._data[start : start + size]


@dataclass(frozen=True)
class _Matrix:
    """The head of a variable or cell, and the elements after it."""

    flags: int
    shape: tuple[int, ...]
    name: str
    elements: _Elements
    order: str

    @classmethod
    def begin(cls, content: memoryview, order: str) -> _Matrix:
        if not len(content):  # an empty cell may be written so
            return cls(6, (0, 0), "", _Elements(struct.pack(f"{order}II", 9, 0), 0, None, order), order)
        elements = _Elements(content, 0, None, order)
        flags, shape, name = elements.numbers(), elements.numbers(), elements.next(1, 16)
        sizes = tuple(shape.tolist())
        whole = flags.dtype.kind == "u" and shape.dtype.kind in "iu"
        if not whole or not len(flags) or not 2 <= len(sizes) <= 32 or min(sizes) < 0:
            raise _DamagedError(f"a variable has the shape {list(sizes)}")
        return cls(int(flags[0]), sizes, bytes(name).decode("latin-1"), elements, order)

    @property
    def readable(self) -> bool:
        """Whether it holds real numbers or cells."""
        kind = self.flags & 0xFF
        return kind == _CELL or (kind in _NUMBERS and not self.flags & _COMPLEX)

    def values(self, depth: int) -> NDArray[Any]:
        count = math.prod(self.shape)
        if not self.readable:
            raise _DamagedError("a cell holds neither real numbers nor cells")
        if self.flags & 0xFF == _CELL:
            return self._cells(count, depth)
        # of the type that it is stored as: MATLAB writes doubles that are whole as bytes
        stored = self.elements.numbers()
        if len(stored) != count:
            raise _DamagedError(f"a variable of shape {list(self.shape)} has {len(stored)} numbers")
        return stored.astype(stored.dtype.newbyteorder("=")).reshape(self.shape, order="F")

    def _cells(self, count: int, depth: int) -> NDArray[Any]:
        if depth == _DEEPEST:
            raise _DamagedError(f"cells lie more than {_DEEPEST} deep")
        if count > self.elements.most:
            raise _DamagedError("it is cut")
        values = np.empty(count, object)
        for place in range(count):
            cell = _Matrix.begin(self.elements.next(_MATRIX), self.order)
            values[place] = cell.values(depth + 1)
        return values.reshape(self.shape, order="F")
