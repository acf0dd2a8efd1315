"""Cuts and masks on disk, named after what they were made of.

Of the cuts there is a small file per picture, so that a killed run goes on where it was; of the masks, which
also depend on the other pictures, one file for all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.files import atomic_write, printable
from glimpse.foreground.cut import cut
from glimpse.foreground.settings import GrabCutSettings
from glimpse.foreground.source import Pixels

_AT_ONCE = 32  # pictures that are read together


def cut_path(folder: Path, picture: NDArray[np.uint8], settings: GrabCutSettings) -> Path:
    """Where the cut of a picture is kept."""
    content = _content(picture)
    return folder / settings.key() / content[:2] / f"{content[2:]}.npy"


def masks_path(folder: Path, pixels: Pixels, persons: NDArray[np.int64], settings: GrabCutSettings) -> Path:
    """Where the masks of N pictures of `persons` `[N]` are kept, in this order."""
    made_of = hashlib.sha256(json.dumps({"masks": 1, **asdict(settings)}, sort_keys=True).encode())
    for start in range(0, len(pixels), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(pixels)))
        for picture, person in zip(pixels.read(rows), persons[rows].tolist(), strict=True):
            made_of.update(f"{_content(picture)} {person}".encode())
    return folder / "whole" / f"{made_of.hexdigest()}.npy"


def kept_masks(path: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
    """The masks `[N, H, W]` of a file that `keep_masks` wrote; None if there is none."""
    return _unpacked(path, shape) if path.is_file() else None


def keep_masks(path: Path, masks: NDArray[np.bool_]) -> None:
    """Write masks, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        np.save(file, np.packbits(masks.reshape(len(masks), -1), axis=1), allow_pickle=False)


def kept_cut(folder: Path, picture: NDArray[np.uint8], settings: GrabCutSettings) -> NDArray[np.bool_]:
    """The cut of a picture, from disk or computed and kept: after a kill only missing ones are computed."""
    path = cut_path(folder, picture, settings)
    height, width = picture.shape[:2]
    if path.is_file():
        kept: NDArray[np.bool_] = _unpacked(path, (1, height, width))[0]
        return kept
    mask = cut(picture, settings.iterations)
    keep_masks(path, mask[None])
    return mask


def _unpacked(path: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    try:
        packed = np.load(path, allow_pickle=False)
        count, height, width = shape
        bits = np.unpackbits(packed.reshape(count, -1), axis=1, count=height * width)
        masks: NDArray[np.bool_] = bits.reshape(shape).view(bool)
        return masks
    except (ValueError, EOFError, OSError, TypeError) as error:
        raise StorageError(
            f"the mask {printable(path)} cannot be read; delete it to make it again"
        ) from error


def _content(picture: NDArray[np.uint8]) -> str:
    return hashlib.sha256(f"{picture.shape}".encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()
