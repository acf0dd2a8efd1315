"""A safetensors file of embeddings that is written in place, so that memory stays flat at any length."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.files import printable, reserve
from glimpse.serial import parse_json

Float32 = NDArray[np.float32]
_BLOCK = 2**20
_ALIGNED = 64  # bytes: the header is padded with blanks, as the format allows
_KINDS = {"b": "BOOL", "i": "I", "u": "U", "f": "F"}
_NAMES = ("vectors", "masks")
_DTYPES = {"F32": "<f4", "I64": "<i8", "U8": "u1"}


class VectorFile:
    """Room for N rows in a file; `finish` keeps the first of them and makes the file whole.

    Args:
        path: the file; it must not be there.
        about: texts that the file holds besides; `finish` may change them, but not to longer ones.
        further: arrays that the file holds besides, by name.
    """

    def __init__(
        self, path: Path, about: Mapping[str, str] | None = None, further: Mapping[str, Any] | None = None
    ) -> None:
        self._path = path
        self._about = dict(about or {})
        self._further = {name: np.asarray(array, order="C") for name, array in (further or {}).items()}
        self._header = 0
        self._dim = 0
        self._vectors = np.empty((0, 0), np.float32)
        self._masks: Float32 | None = None

    def allocate(self, rows: int, dim: int, masked: bool) -> tuple[Float32, Float32 | None]:
        """Vectors, and masks if wanted, float32 [rows, dim], as parts of the file.

        The disk's room is taken now: writing to a map of a file with holes kills the process when the disk
        is full.

        Raises:
            OSError: if the disk has no room for them.
        """
        self._dim = dim
        self._header = -(-len(self._described(rows, masked)) // _ALIGNED) * _ALIGNED
        size = self._header + (1 + masked) * rows * dim * 4
        with self._path.open("xb") as file:
            reserve(file.fileno(), self._path.parent, 0, size + sum(a.nbytes for a in self._further.values()))
        self._vectors, self._masks = self._map(rows, 0), self._map(rows, rows) if masked else None
        return self._vectors, self._masks

    def finish(self, rows: int, about: Mapping[str, str] | None = None) -> tuple[Float32, Float32 | None]:
        """Keep the first `rows` rows; the arrays of `allocate` must not be used afterwards."""
        masked = self._masks is not None
        if self._masks is not None and rows < len(self._masks):
            self._close_gap(self._masks, rows)
        for array in (self._vectors, self._masks):
            if isinstance(array, np.memmap):
                array.flush()
        self._about |= about or {}
        with self._path.open("rb+") as file:
            file.write(self._described(rows, masked))
            file.seek(self._header + (1 + masked) * rows * self._dim * 4)
            for array in self._further.values():
                file.write(array.tobytes())
            file.truncate()
        return self._map(rows, 0), self._map(rows, rows) if masked else None

    def _described(self, rows: int, masked: bool) -> bytes:
        """The header, as long as the first one was."""
        header: dict[str, Any] = {"__metadata__": self._about} if self._about else {}
        parts = {name: ("F32", [rows, self._dim], rows * self._dim * 4) for name in _NAMES[: 1 + masked]}
        for name, array in self._further.items():
            kind = _KINDS[array.dtype.kind]
            kind = kind if kind == "BOOL" else f"{kind}{8 * array.itemsize}"
            parts[name] = (kind, list(array.shape), array.nbytes)
        place = 0
        for name, (kind, shape, size) in parts.items():
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": [place, place + size]}
            place += size
        text = json.dumps(header).encode().ljust(max(0, self._header - 8))
        return len(text).to_bytes(8, "little") + text

    def _map(self, rows: int, first: int) -> Float32:
        """`rows` rows of the file from row `first` of its data on."""
        if not rows or not self._dim:
            return np.zeros((rows, self._dim), np.float32)  # nothing cannot be mapped
        offset = self._header + first * self._dim * 4
        return np.memmap(self._path, np.float32, "r+", offset=offset, shape=(rows, self._dim))

    def _close_gap(self, masks: Float32, rows: int) -> None:
        """Move the masks down to where fewer vectors end, block by block from the front."""
        target = self._map(rows, rows)
        block = max(1, _BLOCK // max(1, self._dim))
        for start in range(0, rows, block):
            target[start : start + block] = masks[start : min(start + block, rows)].copy()


def map_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.safetensors` file, mapped: read where they are touched, and not written back.

    Raises:
        StorageError: if the file is not there or damaged.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError("its header is cut off")
            header = parse_json(file.read(length))
        return {
            name: _mapped(path, 8 + length, described)
            for name, described in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as damage:
        raise StorageError(f"{printable(path)} cannot be read as .safetensors: {damage}") from damage


def _mapped(path: Path, start: int, described: Any) -> NDArray[Any]:
    dtype = np.dtype(_DTYPES[described["dtype"]])
    shape, (first, last) = tuple(described["shape"]), described["data_offsets"]
    if last - first != dtype.itemsize * int(np.prod(shape)):
        raise ValueError("its header contradicts itself")
    if first == last:
        return np.zeros(shape, dtype)  # nothing cannot be mapped
    # a private map: torch takes writable memory without a copy
    return np.memmap(path, dtype, "c", offset=start + first, shape=shape)
