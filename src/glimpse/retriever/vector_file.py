"""A safetensors file of embeddings that is written in place, so that memory stays flat at any length."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
_HEADER = 256  # bytes, with the eight of its length: the JSON is padded with blanks, as the format allows
_BLOCK = 2**20


class VectorFile:
    """Room for N rows in a file; `finish` keeps the first of them and makes the file whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dim = 0
        self._vectors = np.empty((0, 0), np.float32)
        self._masks: Float32 | None = None

    def allocate(self, rows: int, dim: int, masked: bool) -> tuple[Float32, Float32 | None]:
        """Vectors, and masks if wanted, float32 [rows, dim], as parts of the file."""
        self._dim = dim
        with self._path.open("xb") as file:
            file.truncate(_HEADER + (1 + masked) * rows * dim * 4)
        self._vectors, self._masks = self._map(rows, 0), self._map(rows, rows) if masked else None
        return self._vectors, self._masks

    def finish(self, rows: int) -> tuple[Float32, Float32 | None]:
        """Keep the first `rows` rows; the arrays of `allocate` must not be used afterwards."""
        masked = self._masks is not None
        if self._masks is not None and rows < len(self._masks):
            self._close_gap(self._masks, rows)
        for array in (self._vectors, self._masks):
            if isinstance(array, np.memmap):
                array.flush()
        size = rows * self._dim * 4
        names = ("vectors", "masks")[: 1 + masked]
        header = {
            name: {
                "dtype": "F32",
                "shape": [rows, self._dim],
                "data_offsets": [place * size, (place + 1) * size],
            }
            for place, name in enumerate(names)
        }
        text = json.dumps(header).encode().ljust(_HEADER - 8)
        with self._path.open("rb+") as file:
            file.write(len(text).to_bytes(8, "little") + text)
        os.truncate(self._path, _HEADER + len(names) * size)
        return self._map(rows, 0), self._map(rows, rows) if masked else None

    def _map(self, rows: int, first: int) -> Float32:
        """`rows` rows of the file from row `first` of its data on."""
        if not rows or not self._dim:
            return np.zeros((rows, self._dim), np.float32)  # nothing cannot be mapped
        offset = _HEADER + first * self._dim * 4
        return np.memmap(self._path, np.float32, "r+", offset=offset, shape=(rows, self._dim))

    def _close_gap(self, masks: Float32, rows: int) -> None:
        """Move the masks down to where fewer vectors end, block by block from the front."""
        target = self._map(rows, rows)
        block = max(1, _BLOCK // max(1, self._dim))
        for start in range(0, rows, block):
            target[start : start + block] = masks[start : min(start + block, rows)].copy()
