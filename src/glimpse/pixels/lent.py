"""The pixels of a Pillow picture where they lie: copying them out takes a third of the time of decoding."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
    """The pixels of an RGB picture: `[H, W, 4]`, lent, to be read only; or a copy `[H, W, 3]`.

    The fourth channel says nothing. A copy is made where Pillow cannot lend: before version 11.2, and where
    a large picture lies in several blocks.
    """
    export = getattr(image, "__arrow_c_array__", None)
    if image.mode != "RGB" or export is None:
        return np.array(image)
    try:
        _, capsule = export()
    except ValueError:  # several blocks
        return np.array(image)
    return _lent(capsule, image.size)


def _lent(capsule: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    pixels = _ArrowArray.from_address(_pointer(capsule, b"arrow_array")).children[0].contents
    levels = (ctypes.c_uint8 * (4 * width * height)).from_address(pixels.buffers[1])
    levels.lender = capsule  # type: ignore[attr-defined]  # the picture lives as long as the array
    lent: NDArray[np.uint8] = np.ctypeslib.as_array(levels).reshape(height, width, 4)
    lent.flags.writeable = False
    return lent
