"""`MaskSource`, the interface of person masks; GrabCut's settings and its initial mask."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import OptionError
from glimpse.extras import require

PERSON = "person"
"""The map of the training data that says where the person is."""


@dataclass(frozen=True)
class GrabCutSettings:
    """How the person is cut out.

    Attributes:
        size: height and width that images are cut at, whatever they are trained at: on the rendered world
            cuts at 256x128 overlap the truth by 0.71, at 64x32 by 0.54.
        iterations: of GrabCut.
        grid: rows and columns of cells.
        coverage: share of a salient cell that the cut keeps at least.
        texture: least texture of a salient cell, of the data set's 80th percentile.
        likeness: least mean similarity to the three most alike cells of the person's other images.
        siblings: images that a person needs for `likeness` to count.
        area: least and largest share of salient cells; others are not trusted.
        core: share of the cells in the image's core that must be salient.
    """

    size: tuple[int, int] = (256, 128)
    iterations: int = 5
    grid: tuple[int, int] = (16, 8)
    coverage: float = 0.5
    texture: float = 0.1
    likeness: float = 0.7
    siblings: int = 4
    area: tuple[float, float] = (0.06, 0.75)
    core: float = 0.5

    def __post_init__(self) -> None:
        if self.iterations < 1 or min(self.grid) < 1:
            raise OptionError(
                f"GrabCut needs iterations and cells, got {self.iterations} and a grid of {self.grid}"
            )

    def key(self) -> str:
        """A short name of what decides the cut itself: what follows it is computed anew each time.

        >>> GrabCutSettings().key() == GrabCutSettings(texture=0.5).key()
        True
        """
        cut = {"cut": 1, **{name: asdict(self)[name] for name in ("iterations",)}}
        return hashlib.sha256(json.dumps(cut, sort_keys=True).encode()).hexdigest()[:16]


class Pixels(Protocol):
    """Images of one size by row, such as a `PixelCache`."""

    def __len__(self) -> int:
        """N."""
        ...

    def read(self, rows: ArrayLike) -> NDArray[np.uint8]:
        """The pixels of some rows: uint8 `[n, H, W, 3]`, red first."""
        ...


class MaskSource(Protocol):
    """Finds the person in training images."""

    @property
    def truth(self) -> str:
        """How the masks were made, in words; written into the record of what is trained with them."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that `masks` takes."""
        ...

    def masks(self, pixels: Pixels, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The persons' pixels, `[N, H, W]`; an image without a trustworthy mask gets an empty one.

        Args:
            pixels: N images of `size`.
            persons: [N]; images of one person may help each other.
        """
        ...


BACKGROUND, SURE, MAYBE_NOT, MAYBE = 0, 1, 2, 3  # OpenCV's labels of a seed


def opencv() -> Any:
    """The module cv2; a `MissingExtraError` without it."""
    return require("cv2", extra="occluded", purpose="cutting persons out of training images")


def seed_mask(height: int, width: int) -> NDArray[np.uint8]:
    """GrabCut's initial mask, the same for every image: `[H, W]`, in OpenCV's labels.

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
