"""GrabCut from a body prior: which pixels of one picture look like its person (dpm_family 6.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.extras import require

BACKGROUND, SURE, MAYBE_NOT, MAYBE = 0, 1, 2, 3  # OpenCV's labels of a seed


def opencv() -> Any:
    """OpenCV, or one sentence on how to get it."""
    return require("cv2", extra="occluded", purpose="cutting persons out of training pictures")


def seed_mask(height: int, width: int) -> NDArray[np.uint8]:
    """Where a person stands before one looks, `[H, W]`, in OpenCV's labels.

    >>> mask = seed_mask(256, 128)
    >>> [int((mask == label).sum() > 0) for label in (BACKGROUND, SURE, MAYBE_NOT, MAYBE)]
    [1, 1, 1, 1]
    """
    y = (np.arange(height)[:, None] + 0.5) / height
    aside = np.abs((np.arange(width)[None] + 0.5) / width - 0.5)
    half = np.where(y < 0.2, 0.16, np.where(y < 0.6, 0.30, 0.24))
    seed = np.where((aside < half) & (y >= 0.03) & (y <= 0.98), MAYBE, MAYBE_NOT)
    seed = np.where((aside < 0.08) & (y > 0.22) & (y < 0.45), SURE, seed)
    seed = np.where((aside > 0.5 - 0.04) | (y < 0.02), BACKGROUND, seed)
    return seed.astype(np.uint8)


def cut(picture: NDArray[np.uint8], iterations: int) -> NDArray[np.bool_]:
    """The person's pixels `[H, W]` of a picture uint8 `[H, W, 3]`, red first.

    OpenCV's random numbers belong to the calling thread and are seeded here: the same picture gives the
    same cut in any thread, as long as OpenCV starts no threads of its own.
    """
    cv2 = opencv()
    mask = seed_mask(*picture.shape[:2])
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    pixels = np.ascontiguousarray(picture[:, :, ::-1])
    cv2.grabCut(pixels, mask, None, back, front, iterations, cv2.GC_INIT_WITH_MASK)
    kept: NDArray[np.bool_] = (mask == SURE) | (mask == MAYBE)
    return kept
