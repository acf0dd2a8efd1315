"""Antialiased resampling in whole numbers: bit for bit Pillow's passes, in two to three times their speed.

Pillow walks over the taps of one pixel at a time, whose three channels fill no vector register. Here the
image is transposed first, so that the horizontal pass adds whole columns, and transposed back for the
vertical one. The horizontal pass always comes first; Pillow's order depends on its version (13 takes the
height first where it shrinks much more than the width), and with it the pixels that networks see.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.compiled import compiled

# As Pillow: what is left of 32 bits beside a color's 8 and two for sums that pass the range.
FRACTION = 22
HALF = np.int32(1 << (FRACTION - 1))

Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Taps(NamedTuple):
    """The input pixels and weights of each output pixel, along one side.

    Attributes:
        first: [n] the first one.
        many: [n] how many.
        weight: [n, most] as multiples of 2^-22, zero beyond them.
    """

    first: NDArray[np.int32]
    many: NDArray[np.int32]
    weight: NDArray[np.int32]


def triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bilinear kernel, of radius 1."""
    x = np.abs(x)
    return np.where(x < 1, 1 - x, 0.0)


def keys(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' bicubic kernel with a = -0.5, of radius 2."""
    a = -0.5
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=256)
def taps(old: int, new: int, shape: Shape, radius: float) -> Taps:
    """The taps from `old` pixels to `new` ones.

    When shrinking, the kernel widens with the factor; at the border it is cut off and renormalized.
    """
    scale = old / new
    widening = max(scale, 1.0)
    reach = radius * widening
    center = (np.arange(new) + 0.5) * scale
    first = np.maximum((center - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((center + reach + 0.5).astype(np.int64), old)
    most = int((last - first).max())
    offset = np.arange(most)
    weight = shape((offset + first[:, None] - center[:, None] + 0.5) * (1 / widening))
    weight[offset >= (last - first)[:, None]] = 0.0
    # one by one, as Pillow adds them: another order could round otherwise
    weight /= np.add.accumulate(weight, axis=1)[:, -1:]
    whole = np.trunc(weight * 2**FRACTION + np.copysign(0.5, weight))
    return Taps(first.astype(np.int32), (last - first).astype(np.int32), whole.astype(np.int32))


def resample(
    image: NDArray[np.uint8], size: tuple[int, int], kernel: Shape, radius: float
) -> NDArray[np.uint8]:
    """Resample [H, W, 3], or [H, W, 4] whose fourth channel is padding, to [height, width, 3]."""
    height, width = image.shape[:2]
    across = taps(width, size[1], kernel, radius)
    down = taps(height, size[0], kernel, radius)
    new: NDArray[np.uint8] = _resampled(image, *across, *down)
    return new


@compiled
def _pixels(image):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """[H, W, C] as [H, W] of 32 bits: one load moves a whole pixel."""
    high, wide, channels = image.shape
    if channels == 4:
        return image.reshape((high, 4 * wide)).view(np.uint32)
    padded = np.empty((high, wide, 4), np.uint8)
    for y in range(high):
        for x in range(wide):
            padded[y, x, 0] = image[y, x, 0]
            padded[y, x, 1] = image[y, x, 1]
            padded[y, x, 2] = image[y, x, 2]
    return padded.reshape((high, 4 * wide)).view(np.uint32)


@compiled
def _turned(pixels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The transpose [W, H] of [H, W], in blocks that fit into the first-level cache."""
    high, wide = pixels.shape
    turned = np.empty((wide, high), np.uint32)
    for top in range(0, high, 32):
        for left in range(0, wide, 32):
            for x in range(left, min(left + 32, wide)):
                for y in range(top, min(top + 32, high)):
                    turned[x, y] = pixels[y, x]
    return turned


@compiled
def _down(pixels, first, many, weight):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Weighted sums [n, W] of the rows of [H, W], rounded to the nearest level in every channel."""
    rows = pixels.view(np.uint8)
    new = np.empty((len(first), rows.shape[1]), np.uint8)
    total = np.empty(rows.shape[1], np.int32)
    for y in range(len(first)):
        total[:] = HALF
        for neck_feat in range(many[y]):
            factor = weight[y, neck_feat]
            row = rows[first[y] + neck_feat]
            for x in range(len(total)):
                total[x] += np.int32(factor * np.int32(row[x]))
        for x in range(len(total)):
            new[y, x] = np.uint8(min(max(total[x] >> FRACTION, 0), 255))
    return new.view(np.uint32)


@compiled
def _resampled(image, left, wide, across, top, high, down):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # in one call: a thread that comes back for the interpreter's lock may have to wait for it each time
    pixels = _pixels(image)
    if len(left) != pixels.shape[1]:
        pixels = _turned(_down(_turned(pixels), left, wide, across))
    if len(top) != pixels.shape[0]:
        pixels = _down(pixels, top, high, down)
    levels = pixels.view(np.uint8)
    new = np.empty((len(top), len(left), 3), np.uint8)
    for y in range(len(top)):
        for x in range(len(left)):
            for channel in range(3):
                new[y, x, channel] = levels[y, 4 * x + channel]
    return new
