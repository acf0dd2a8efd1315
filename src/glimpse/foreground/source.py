"""What every source of foreground masks offers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Pixels(Protocol):
    """Pictures of one size by row, such as a `PixelCache`."""

    def __len__(self) -> int:
        """N."""
        ...

    def read(self, rows: ArrayLike) -> NDArray[np.uint8]:
        """The pixels of some rows: uint8 `[n, H, W, 3]`, red first."""
        ...


class MaskSource(Protocol):
    """Finds the person in training pictures."""

    @property
    def truth(self) -> str:
        """What the masks rest on, in words: it is written beside whatever is trained with them."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures it wants to see."""
        ...

    def masks(self, pixels: Pixels, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The persons' pixels, `[N, H, W]`; a picture without a trustworthy mask gets an empty one.

        Args:
            pixels: N pictures of `size`.
            persons: [N]; pictures of one person may help each other.
        """
        ...
