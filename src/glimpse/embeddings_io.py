"""Embeddings on disk: `.safetensors` or `.npz` with `vectors` [N, D] and, where there are any, `masks`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_write, printable

ENDINGS = (".safetensors", ".npz")


def save_embeddings(embeddings: Embeddings, path: Path | str) -> None:
    """Write embeddings in the format that the path's ending names, all or nothing."""
    target = _checked(Path(path))
    arrays: dict[str, Any] = {"vectors": np.ascontiguousarray(embeddings.vectors)}
    if embeddings.masks is not None:
        arrays["masks"] = np.ascontiguousarray(embeddings.masks)
    with atomic_write(target) as file:
        if target.suffix == ".npz":
            np.savez(file, **arrays)
        else:
            from safetensors.numpy import save

            file.write(save(arrays))


def load_embeddings(path: Path | str) -> Embeddings:
    """Read embeddings; further arrays in the file are ignored. Nothing in it is executed."""
    source = _checked(Path(path))
    if not source.is_file():
        raise StorageError(f"there is no file of embeddings at {printable(source)}")
    arrays = _read_npz(source) if source.suffix == ".npz" else _read_safetensors(source)
    if "vectors" not in arrays:
        held = ", ".join(arrays) or "nothing"
        raise StorageError(f"{printable(source)} must hold an array `vectors`, got {held}")
    return Embeddings(arrays["vectors"], arrays.get("masks"))


def _checked(path: Path) -> Path:
    if path.suffix not in ENDINGS:
        raise OptionError(
            f"embeddings are kept as {' or '.join(ENDINGS)}, not {path.suffix or 'without an ending'}: "
            f"{printable(path)}"
        )
    return path


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files if name in ("vectors", "masks")}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as damage:
        raise StorageError(f"{printable(path)} cannot be read as .npz: {damage}") from damage


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as held:
            return {name: held.get_tensor(name) for name in held.keys() if name in ("vectors", "masks")}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as damage:
        raise StorageError(f"{printable(path)} cannot be read as .safetensors: {damage}") from damage
