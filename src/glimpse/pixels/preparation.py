"""`Preparation`: how images are decoded and resized for a cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.choices import Filter
from glimpse.pixels.decode import MAX_PIXELS, WHITE, Stamp, check_white, decode_image, max_bytes, read_source
from glimpse.pixels.resize import check_size, resize_image


@dataclass(frozen=True)
class Preparation:
    """Decode with a white level, then resize to a size with a filter.

    >>> Preparation((256, 128)).name, Preparation((64, 32), Filter.BILINEAR, white=4095).name
    ('256x128-bicubic', '64x32-bilinear-white4095')
    """

    size: tuple[int, int]
    filter: Filter = Filter.BICUBIC
    white: int = WHITE

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size(self.size))
        check_white(self.white)

    @property
    def name(self) -> str:
        """A folder name that differs whenever the pixels may differ."""
        height, width = self.size
        white = "" if self.white == WHITE else f"-white{self.white}"
        return f"{height}x{width}-{self.filter.value}{white}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one prepared image."""
        return (*self.size, 3)

    def __call__(self, path: str, expected: Stamp | None = None) -> NDArray[np.uint8]:
        """The prepared pixels `[H, W, 3]` of the file; with `expected`, of that version of the file only."""
        data = read_source(path, max_bytes=max_bytes(MAX_PIXELS), expected=expected)
        return resize_image(decode_image(data, name=path, white=self.white), self.size, self.filter)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"size": list(self.size), "filter": self.filter.value, "white": self.white}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preparation:
        """Back from `to_json`."""
        height, width = values["size"]
        return cls((height, width), Filter(values["filter"]), values["white"])
