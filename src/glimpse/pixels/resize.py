"""Resizing, from arrays or from Pillow's memory without a copy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.choices import Filter
from glimpse.errors import OptionError, ShapeError

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


class _ArrowArray(ctypes.Structure):
    """The head of the Arrow C data interface's struct of this name."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
]


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of an RGB image: `[H, W, 4]`, without a copy, to be read only; or a copy `[H, W, 3]`.

    The fourth channel is padding. A copy is made where Pillow cannot export its memory: before version 11.2,
    and where a large image lies in several blocks.
    """
    export = getattr(image, "__arrow_c_array__", None)
    if image.mode != "RGB" or export is None:
        return np.array(image)
    try:
        _, capsule = export()
    except ValueError:  # several blocks
        return np.array(image)
    return _zero_copy(capsule, image.size)


def _zero_copy(capsule: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    pixels = _ArrowArray.from_address(_pointer(capsule, b"arrow_array")).children[0].contents
    levels = (ctypes.c_uint8 * (4 * width * height)).from_address(pixels.buffers[1])
    levels.lender = capsule  # type: ignore[attr-defined]  # the image lives as long as the array
    zero_copy: NDArray[np.uint8] = np.ctypeslib.as_array(levels).reshape(height, width, 4)
    zero_copy.flags.writeable = False
    return zero_copy


_LARGEST_SIDE = 16384  # our choice: far above any encoder's input, far below what would fill a memory


def resize(
    image: NDArray[np.uint8], size: tuple[int, int], filter: Filter = Filter.BICUBIC
) -> NDArray[np.uint8]:
    """Resize with Pillow's antialiased filters: when shrinking, the filter widens with the factor.

    Bicubic is Keys' kernel with a = -0.5. Both filters round to the nearest of 256 levels after each of
    their two passes, first along the width and then along the height, and repeat no pixels beyond the
    border: the kernel is cut off and renormalized.

    Args:
        image: uint8 `[H, W, 3]`.
        size: the new `(height, width)`.
        filter: bicubic or bilinear; or bilinear as OpenCV does it, without antialiasing.

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
    """`resize` for an RGB image of Pillow's."""
    height, width = check_size(size)
    if (width, height) == image.size:
        return np.array(image)
    return _resampled(pixels_of(image), (height, width), filter)


def _resampled(image: NDArray[np.uint8], size: tuple[int, int], filter: Filter) -> NDArray[np.uint8]:
    # here, because who needs no other size need not wait for a compiler either: workers that fill a cache
    from glimpse.pixels.opencv import resample_opencv
    from glimpse.pixels.resampling import keys, resample, triangle

    if Filter(filter) is Filter.OPENCV:
        return resample_opencv(image, size)
    kernel, radius = (keys, 2.0) if Filter(filter) is Filter.BICUBIC else (triangle, 1.0)
    return resample(image, size, kernel, radius)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size as `(height, width)`, or what is wrong with it."""
    if len(size) != 2 or not all(1 <= side <= _LARGEST_SIDE for side in size):
        raise OptionError(f"size must be (height, width), each within 1..{_LARGEST_SIDE}, not {tuple(size)}")
    height, width = size
    return int(height), int(width)
