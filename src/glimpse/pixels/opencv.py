"""Bilinear resizing as OpenCV does it: two pixels per side, whatever the factor, so that shrinking aliases.

Level for level what `cv2.resize` gives for bytes with `INTER_LINEAR`: weights in 2048ths, and halving as the
mean of four. Many re-identification networks, OSNet among them, are used behind it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.compiled import compiled

_ONE = 2048  # OpenCV's fixed point


class _Pairs(NamedTuple):
    """For each new pixel along a side: two old ones and their weights, [n] each, in 2048ths."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weight: NDArray[np.int32]
    other: NDArray[np.int32]


@lru_cache(maxsize=256)
def _pairs(old: int, new: int, held: bool) -> _Pairs:
    """The pairs from `old` pixels to `new` ones.

    Args:
        old: pixels before.
        new: pixels after.
        held: at the border the outermost pixel counts alone (columns), or twice with both weights (rows),
            which rounds otherwise.
    """
    scale = 1.0 / (new / old)
    place = ((np.arange(new) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(place).astype(np.int32)
    share = place - first.astype(np.float32)
    if held:
        share[(first < 0) | (first >= old - 1)] = 0
        first = first.clip(0, old - 1)
    weight = np.rint((np.float32(1) - share) * np.float32(_ONE)).astype(np.int32)
    other = np.rint(share * np.float32(_ONE)).astype(np.int32)
    return _Pairs(first.clip(0, old - 1), (first + 1).clip(0, old - 1), weight, other)


def resample_opencv(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resample [H, W, 3], or [H, W, 4] whose fourth channel says nothing, to [height, width, 3]."""
    height, width = image.shape[:2]
    if (height, width) == (2 * size[0], 2 * size[1]):
        halved: NDArray[np.uint8] = _halved(image)
        return halved
    across, down = _pairs(width, size[1], True), _pairs(height, size[0], False)
    new: NDArray[np.uint8] = _bilinear(image, *across, *down)
    return new


@compiled
def _halved(image):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    high, wide = image.shape[0] // 2, image.shape[1] // 2
    new = np.empty((high, wide, 3), np.uint8)
    for y in range(high):
        for x in range(wide):
            for c in range(3):
                total = np.int32(image[2 * y, 2 * x, c]) + np.int32(image[2 * y, 2 * x + 1, c])
                total += np.int32(image[2 * y + 1, 2 * x, c]) + np.int32(image[2 * y + 1, 2 * x + 1, c])
                new[y, x, c] = np.uint8((total + 2) >> 2)
    return new


@compiled
def _bilinear(image, left, right, near, far, top, bottom, upper, lower):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    new = np.empty((len(top), len(left), 3), np.uint8)
    for y in range(len(top)):
        above, below = image[top[y]], image[bottom[y]]
        for x in range(len(left)):
            for c in range(3):
                first = np.int32(above[left[x], c]) * near[x] + np.int32(above[right[x], c]) * far[x]
                second = np.int32(below[left[x], c]) * near[x] + np.int32(below[right[x], c]) * far[x]
                # as OpenCV rounds: the sums lose 4 bits, their products 16, and the last two are rounded
                total = ((upper[y] * (first >> 4)) >> 16) + ((lower[y] * (second >> 4)) >> 16)
                new[y, x, c] = np.uint8((total + 2) >> 2)
    return new
