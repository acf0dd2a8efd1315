"""Maps over pictures: orange where a patch adds to a score, blue where it speaks against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.pixels import resize

# our choice: two hues that colour-blind people tell apart, over a pale grey picture
FOR, AGAINST = (235, 110, 0), (20, 90, 220)
_PALE = 0.55
_STRONGEST = 0.85  # the share of the hue where a map is at its scale


def heat(picture: NDArray[np.uint8], values: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """A map laid over a picture.

    Args:
        picture: uint8 `[H, W, 3]`.
        values: `[rows, columns]`, spread bilinearly over the picture.
        scale: the value that gets the full hue; 0 for a map of zeros.

    Returns:
        uint8 `[H, W, 3]`.
    """
    grey = picture.astype(np.float32).mean(2, keepdims=True) * _PALE + 255 * (1 - _PALE)
    spread = spread_over(values, picture.shape[:2]) / (scale or 1.0)
    return coloured(spread, np.broadcast_to(grey, picture.shape))


def coloured(values: NDArray[np.floating], ground: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values `[H, W]` in -1..1 as hues over a ground `[H, W, 3]`.

    >>> coloured(np.array([[0.0]]), np.full((1, 1, 3), 255.0)).tolist()
    [[[255, 255, 255]]]
    """
    share = np.abs(values).clip(0, 1)[..., None] * _STRONGEST
    hue = np.where(values[..., None] > 0, FOR, AGAINST)
    mixed: NDArray[np.uint8] = (share * hue + (1 - share) * ground).round().astype(np.uint8)
    return mixed


def spread_over(values: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A map `[rows, columns]` on the pixels of a picture of `size`, bilinear."""
    height, width = size
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def outlined(picture: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A picture whose other parts are pale.

    Args:
        picture: uint8 `[H, W, 3]`.
        kept: `[rows, columns]`, of pixels or of cells.
    """
    shown = Image.fromarray(kept).resize(picture.shape[1::-1], Image.Resampling.NEAREST)
    pale = resize(picture, picture.shape[:2]).astype(np.float32).mean(2, keepdims=True) * 0.25 + 185
    result: NDArray[np.uint8] = np.where(np.asarray(shown)[..., None], picture, pale).astype(np.uint8)
    return result
