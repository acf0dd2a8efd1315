"""What colors alone can do: the yardstick below which no method should fall.

No training, no model: a histogram of colors for each half of a crop, and for sentences the colors
that they name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import ShapeError

# All numbers are our choice.
HUES, SATURATIONS, BRIGHTNESSES = 16, 4, 4
_BANDS = ((0.12, 0.50), (0.50, 0.94))  # upper and lower body, as fractions of a crop's height
_SIDES = (0.15, 0.85)  # the middle of its width
_BLOCK = 512  # images at a time


def color_histogram(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """HSV histograms of the upper and the lower body, as unit vectors whose dot product compares them.

    The vectors are roots of relative frequencies, so that the dot product is the mean Bhattacharyya
    coefficient of the two halves: 1 for the same colors, 0 for none in common.

    Args:
        images: `[N, H, W, 3]`, sRGB.

    Returns:
        `[N, 512]`.

    >>> red = np.full((1, 8, 4, 3), (200, 10, 10), np.uint8)
    >>> vectors = color_histogram(np.concatenate([red, red[..., ::-1]]))
    >>> (vectors @ vectors.T).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ShapeError(f"expected uint8 images [N, H, W, 3], got {images.dtype} {list(images.shape)}")
    bins = HUES * SATURATIONS * BRIGHTNESSES
    vectors = np.zeros((len(images), len(_BANDS) * bins), np.float32)
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        for half, band in enumerate(_BANDS):
            codes = _codes(_middle(block, band))
            rows = np.repeat(np.arange(len(block)), codes.shape[1])
            counts = np.bincount(rows * bins + codes.reshape(-1), minlength=len(block) * bins)
            share = counts.reshape(len(block), bins) / codes.shape[1]
            vectors[start : start + len(block), half * bins : (half + 1) * bins] = np.sqrt(
                share / len(_BANDS)
            )
    return vectors


def _middle(images: NDArray[np.uint8], band: tuple[float, float]) -> NDArray[np.float32]:
    """The pixels of a band, without the sides, `[N, P, 3]` from 0 to 1."""
    height, width = images.shape[1:3]
    top, bottom = int(band[0] * height), max(int(band[0] * height) + 1, int(band[1] * height))
    left, right = int(_SIDES[0] * width), max(int(_SIDES[0] * width) + 1, int(_SIDES[1] * width))
    part = images[:, top:bottom, left:right]
    return part.reshape(len(part), -1, 3).astype(np.float32) / 255.0


def _codes(pixels: NDArray[np.float32]) -> NDArray[np.int64]:
    """The histogram bin of each pixel, `[N, P]`."""
    high, low = pixels.max(2), pixels.min(2)
    spread = high - low
    safe = np.where(spread > 0, spread, 1.0)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    hue = np.where(high == red, (green - blue) / safe % 6.0, (blue - red) / safe + 2.0)
    hue = np.where((high == blue) & (high != red) & (high != green), (red - green) / safe + 4.0, hue)
    saturation = np.where(high > 0, spread / np.where(high > 0, high, 1.0), 0.0)
    place = np.minimum((hue / 6.0 * HUES).astype(np.int64), HUES - 1)
    place = place * SATURATIONS + np.minimum((saturation * SATURATIONS).astype(np.int64), SATURATIONS - 1)
    codes: NDArray[np.int64] = place * BRIGHTNESSES + np.minimum(
        (high * BRIGHTNESSES).astype(np.int64), BRIGHTNESSES - 1
    )
    return codes


COLOUR_WORDS: dict[str, tuple[float, float, float]] = {
    "black": (0.08, 0.08, 0.08),
    "grey": (0.5, 0.5, 0.5),
    "gray": (0.5, 0.5, 0.5),
    "white": (0.92, 0.92, 0.92),
    "navy": (0.08, 0.12, 0.35),
    "blue": (0.15, 0.35, 0.75),
    "teal": (0.1, 0.5, 0.5),
    "green": (0.2, 0.55, 0.25),
    "olive": (0.4, 0.42, 0.2),
    "yellow": (0.9, 0.8, 0.25),
    "orange": (0.9, 0.5, 0.15),
    "red": (0.75, 0.12, 0.12),
    "maroon": (0.4, 0.08, 0.12),
    "pink": (0.9, 0.6, 0.7),
    "purple": (0.45, 0.2, 0.55),
    "violet": (0.45, 0.2, 0.55),
    "brown": (0.4, 0.26, 0.15),
    "beige": (0.82, 0.72, 0.55),
    "cream": (0.9, 0.82, 0.66),
}
"""English words of colors and what they look like in sRGB: our choice, apart from the world's own values."""


def color_words(captions: Sequence[str]) -> NDArray[np.float32]:
    """How often each sentence names each of `COLOUR_WORDS`, `[N, C]`, each row of unit length or 0.

    >>> words = color_words(["A red shirt and red shoes.", "Somebody."])
    >>> words.shape == (2, len(COLOUR_WORDS)), float(words[0].max()), float(words[1].max())
    (True, 1.0, 0.0)
    """
    place = {word: column for column, word in enumerate(COLOUR_WORDS)}
    vectors = np.zeros((len(captions), len(place)), np.float32)
    for row, caption in enumerate(captions):
        for word in re.findall(r"[a-z]+", caption.lower()):
            if word in place:
                vectors[row, place[word]] += 1.0
    return _unit(vectors)


def color_palette(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of each image has the color of each of `COLOUR_WORDS`, `[N, C]`, rows of unit length.

    Comparable with `color_words` by the dot product. Each pixel of the body's middle counts for the
    word whose color is nearest.
    """
    table = np.array(list(COLOUR_WORDS.values()), np.float32)
    vectors = np.zeros((len(images), len(table)), np.float32)
    for start in range(0, len(images), _BLOCK):
        pixels = _middle(images[start : start + _BLOCK], (_BANDS[0][0], _BANDS[-1][1]))
        # squared distance without the pixel's own square, which is the same for every word
        nearest = ((table**2).sum(1) - 2.0 * pixels @ table.T).argmin(2)
        for row, words in enumerate(nearest, start=start):
            vectors[row] = np.bincount(words, minlength=len(table))
    # roots: what covers most of the image should not drown what a sentence names beside it
    return _unit(np.sqrt(vectors))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)
    return unit
