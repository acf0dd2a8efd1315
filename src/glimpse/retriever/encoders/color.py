"""Colors as an encoder: no network, no training, and the yardstick for those that have both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.baselines import COLOUR_WORDS, color_histogram, color_palette, color_words
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.pixels.preparation import Preparation
from glimpse.records import Capture
from glimpse.retriever.encoders.base import Pixels, check_pixels

SIZE = (128, 64)  # our choice, as all below
HISTOGRAM = 512
# A sentence meets an image in the palette alone; two images meet in the histogram, to 99 %.
PALETTE_WEIGHT = 0.1


@dataclass(frozen=True)
class ColorEncoder:
    """Images as the colors of their upper and lower half, sentences as the colors that they name.

    >>> colors = ColorEncoder()
    >>> image = colors.embed(np.full((1, 128, 64, 3), (200, 20, 20), np.uint8), Capture.unknown(1))
    >>> words = colors.embed_texts(["a red coat", "a blue coat"])
    >>> bool((words.vectors @ image.vectors[0]).argmax() == 0)
    True
    """

    kind = "colors"
    concurrent = True

    @property
    def preparation(self) -> Preparation:
        """128 x 64, bicubic."""
        return Preparation(SIZE)

    @property
    def dim(self) -> int:
        """Histogram and palette beside each other."""
        return HISTOGRAM + len(COLOUR_WORDS)

    def embed(self, pixels: Pixels, capture: Capture) -> Embeddings:
        """See `Encoder.embed`."""
        check_pixels(pixels, SIZE)
        parts = [color_histogram(pixels), PALETTE_WEIGHT * color_palette(pixels)]
        return Embeddings(np.concatenate(parts, axis=1).astype(np.float32))

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `Encoder.embed_texts`. A sentence without colors is the zero vector, like everybody."""
        nothing = np.zeros((len(texts), HISTOGRAM), np.float32)
        return Embeddings(np.concatenate([nothing, color_words(texts)], axis=1))

    def write(self, folder: Path) -> dict[str, Any]:
        """Nothing is needed."""
        return {}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> ColorEncoder:
        """What `write` wrote."""
        if values:
            raise OptionError(f"a card says nothing of colors, got {dict(values)}")
        return cls()
