"""`Embeddings`: vectors, and how far each of their dimensions can be trusted; in memory and on disk."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.files import atomic_write, printable

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector per row of a `Records` table, in the same order.

    Attributes:
        vectors: [N, D] float32 or float64; finite; may be a memory map, which is not copied.
        masks: [N, D] in [0, 1] (a prototype mask of DPM, a visible part), or None for full trust.
    """

    vectors: FloatArray
    masks: FloatArray | None = None

    def __post_init__(self) -> None:
        vectors = np.asanyarray(self.vectors)
        if vectors.ndim != 2 or vectors.dtype not in (np.float32, np.float64):
            raise ShapeError(
                f"vectors must be float32 or float64 [N, D], got {vectors.dtype} {list(vectors.shape)}"
            )
        if not vectors.shape[1]:
            raise ShapeError("vectors need at least one dimension, got none")
        check_finite("vectors", vectors)
        object.__setattr__(self, "vectors", vectors)
        if self.masks is None:
            return
        masks = np.asanyarray(self.masks)
        if masks.shape != vectors.shape or masks.dtype != vectors.dtype:
            raise ShapeError(
                f"masks must be {vectors.dtype} {list(vectors.shape)} like the vectors, "
                f"got {masks.dtype} {list(masks.shape)}"
            )
        check_finite("masks", masks)
        if masks.size and (masks.min() < 0 or masks.max() > 1):
            raise ShapeError(f"masks must lie in [0, 1], got values from {masks.min()} to {masks.max()}")
        object.__setattr__(self, "masks", masks)

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: slice | ArrayLike) -> Embeddings:
        """The chosen rows: a slice, a list of numbers or a boolean [N]."""
        chosen = rows if isinstance(rows, slice) else np.asarray(rows)
        return Embeddings(self.vectors[chosen], None if self.masks is None else self.masks[chosen])

    def save(self, path: Path | str) -> None:
        """Write them as `.safetensors` or `.npz`, as the path ends, all or nothing.

        The file has the arrays `vectors` [N, D] and, where there are any, `masks` [N, D].
        """
        target = _checked(Path(path))
        arrays: dict[str, Any] = {"vectors": np.ascontiguousarray(self.vectors)}
        if self.masks is not None:
            arrays["masks"] = np.ascontiguousarray(self.masks)
        with atomic_write(target) as file:
            if target.suffix == ".npz":
                np.savez(file, **arrays)
            else:
                from safetensors.numpy import save

                file.write(save(arrays))

    @classmethod
    def load(cls, path: Path | str) -> Embeddings:
        """Read what `save` wrote; further arrays in the file are ignored. Nothing in it is executed."""
        source = _checked(Path(path))
        if not source.is_file():
            raise StorageError(f"there is no file of embeddings at {printable(source)}")
        arrays = _read_npz(source) if source.suffix == ".npz" else _read_safetensors(source)
        if "vectors" not in arrays:
            held = ", ".join(arrays) or "nothing"
            raise StorageError(f"{printable(source)} must hold an array `vectors`, got {held}")
        return cls(arrays["vectors"], arrays.get("masks"))

    @property
    def dim(self) -> int:
        """D, the number of dimensions."""
        return int(self.vectors.shape[1])


def check_finite(name: str, values: FloatArray) -> None:
    """Refuse NaN and infinity, naming the first row that has one.

    >>> check_finite("scores", np.array([[0.0], [np.nan]]))
    Traceback (most recent call last):
    ...
    glimpse.errors.ShapeError: scores must be finite, got nan in row 1
    """
    # in blocks: a memory-mapped gallery must not become a boolean array of its own size
    block = max(1, 2**22 // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, len(values), block):
        part = values[start : start + block]
        # a sum is finite unless a value is not (or it overflows): only then look closer
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.add.reduce(part, axis=None, dtype=np.float64)
        if not np.isfinite(total):
            bad = np.argwhere(~np.isfinite(part))
            if len(bad):
                where = tuple(int(i) for i in bad[0])
                raise ShapeError(f"{name} must be finite, got {part[where]} in row {start + where[0]}")


ENDINGS = (".safetensors", ".npz")


def _checked(path: Path) -> Path:
    if path.suffix not in ENDINGS:
        raise OptionError(
            f"embeddings are kept as {' or '.join(ENDINGS)}, not {path.suffix or 'without an ending'}: "
            f"{printable(path)}"
        )
    return path


ROWS = "rows"
"""Under which a file of embeddings holds the digest of the records that they are of."""
MADE_BY = "retriever"
"""Under which it holds the digest of the retriever that made them."""


def read_about(path: Path) -> dict[str, str]:
    """The texts that a `.safetensors` file of embeddings holds besides; none in a `.npz`."""
    if path.suffix != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as held:
            return dict(held.metadata() or {})
    except (SafetensorError, OSError, TypeError) as damage:
        raise StorageError(f"{printable(path)} cannot be read as .safetensors: {damage}") from damage


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy speaks of headers that Python 2 wrote
            held = np.load(file, allow_pickle=False)
            return {name: held[name] for name in held.files if name in ("vectors", "masks")}
    except Exception as damage:  # zipfile and numpy raise whatever their parsing stumbles over
        raise StorageError(f"{printable(path)} cannot be read as .npz: {damage}") from damage


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as held:
            return {name: held.get_tensor(name) for name in held.keys() if name in ("vectors", "masks")}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as damage:
        raise StorageError(f"{printable(path)} cannot be read as .safetensors: {damage}") from damage
