"""Resizing to the size that an encoder wants."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.errors import OptionError, ShapeError
from glimpse.pixels.lent import pixels_of

_LARGEST_SIDE = 16384  # our choice: far above any encoder's input, far below what would fill a memory


class Filter(StrEnum):
    """How new pixels are computed from old ones."""

    BICUBIC = "bicubic"
    BILINEAR = "bilinear"


def resize(
    image: NDArray[np.uint8], size: tuple[int, int], filter: Filter = Filter.BICUBIC
) -> NDArray[np.uint8]:
    """Resize with Pillow's antialiased filters: when shrinking, the filter widens with the factor.

    Bicubic is Keys' kernel with a = -0.5. Both filters round to the nearest of 256 levels after each of
    their two passes, first along the width and then along the height, and repeat no pixels beyond the
    border: the kernel is cut off and renormalised.

    Args:
        image: uint8 `[H, W, 3]`.
        size: the new `(height, width)`.
        filter: bicubic or bilinear.

    Returns:
        uint8 `[height, width, 3]`.

    >>> resize(np.zeros((5, 2, 3), np.uint8), (256, 128)).shape
    (256, 128, 3)
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ShapeError(f"resize needs uint8 [H, W, 3], not {image.dtype} {list(image.shape)}")
    height, width = check_size(size)
    if (height, width) == image.shape[:2]:
        return image.copy()
    return _resampled(np.ascontiguousarray(image), (height, width), filter)


def resize_image(image: Image.Image, size: tuple[int, int], filter: Filter) -> NDArray[np.uint8]:
    """`resize` for an RGB picture of Pillow's."""
    height, width = check_size(size)
    if (width, height) == image.size:
        return np.array(image)
    return _resampled(pixels_of(image), (height, width), filter)


def _resampled(picture: NDArray[np.uint8], size: tuple[int, int], filter: Filter) -> NDArray[np.uint8]:
    # here, because who needs no other size need not wait for a compiler either: workers that fill a cache
    from glimpse.pixels.resampling import keys, resample, triangle

    kernel, radius = (keys, 2.0) if Filter(filter) is Filter.BICUBIC else (triangle, 1.0)
    return resample(picture, size, kernel, radius)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size as `(height, width)`, or what is wrong with it."""
    if len(size) != 2 or not all(1 <= side <= _LARGEST_SIDE for side in size):
        raise OptionError(f"size must be (height, width), each within 1..{_LARGEST_SIDE}, not {tuple(size)}")
    height, width = size
    return int(height), int(width)
