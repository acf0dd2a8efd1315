"""What a retriever asks of its encoder: prepared pixels, or texts, in; embeddings out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.pixels.preparation import Preparation
from glimpse.records import Capture

Pixels = NDArray[np.uint8]


class Encoder(Protocol):
    """A network, a user's ONNX file, or plain colors."""

    @property
    def kind(self) -> str:
        """How a card calls this class."""
        ...

    @property
    def preparation(self) -> Preparation:
        """How an image becomes the pixels that `embed` takes."""
        ...

    @property
    def dim(self) -> int:
        """D, the number of dimensions."""
        ...

    @property
    def concurrent(self) -> bool:
        """Whether several threads embed at once, each on one core; False if it shares work out by itself."""
        ...

    def embed(self, pixels: Pixels, capture: Capture) -> Embeddings:
        """Embed a micro-batch.

        Args:
            pixels: uint8 `[B, H, W, 3]`, prepared.
            capture: the B cameras and modalities, for encoders that ask.

        Returns:
            B rows.
        """
        ...

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed sentences, comparable with images; an `OptionError` if there is no text side."""
        ...

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what it needs into `folder`, and return what the card must say of it."""
        ...


def check_pixels(pixels: Pixels, size: tuple[int, int]) -> None:
    """Refuse pixels that are not prepared for an encoder of this size."""
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (*size, 3):
        raise ShapeError(
            f"expected prepared pixels uint8 [B, {size[0]}, {size[1]}, 3], "
            f"got {pixels.dtype} {list(pixels.shape)}"
        )


def no_text_side(what: str) -> OptionError:
    """The sentence for an encoder that only sees."""
    return OptionError(f"{what} has no text side: it embeds images only")
