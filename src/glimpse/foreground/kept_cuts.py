"""Cuts on disk: one small file per picture, named after its content and the settings that decide the cut."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.files import atomic_write, printable
from glimpse.foreground.cut import cut
from glimpse.foreground.settings import GrabCutSettings


def cut_path(folder: Path, picture: NDArray[np.uint8], settings: GrabCutSettings) -> Path:
    """Where the cut of a picture is kept."""
    content = hashlib.sha256(
        f"{picture.shape}".encode() + np.ascontiguousarray(picture).tobytes()
    ).hexdigest()
    return folder / settings.key() / content[:2] / f"{content[2:]}.npy"


def kept_cut(folder: Path, picture: NDArray[np.uint8], settings: GrabCutSettings) -> NDArray[np.bool_]:
    """The cut of a picture, from disk or computed and kept: after a kill only missing ones are computed."""
    path = cut_path(folder, picture, settings)
    height, width = picture.shape[:2]
    if path.is_file():
        try:
            packed = np.load(path, allow_pickle=False)
            return np.unpackbits(packed, count=height * width).reshape(height, width).astype(bool)
        except (ValueError, EOFError, OSError, TypeError) as error:
            raise StorageError(
                f"the mask {printable(path)} cannot be read; delete it to make it again"
            ) from error
    mask = cut(picture, settings.iterations)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        np.save(file, np.packbits(mask), allow_pickle=False)
    return mask
