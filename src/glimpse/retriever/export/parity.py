"""Whether an exported model says what torch says: on random images, extreme ones, and any batch size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.models.card import NetworkCard
from glimpse.pixels.preparation import Preparation
from glimpse.records import IMAGE_MODALITIES, NO_CAMERA, Capture
from glimpse.retriever.encoders.base import Pixels, no_text_side
from glimpse.retriever.encoders.network import NetworkEncoder
from glimpse.retriever.encoders.onnx import IMAGENET_MEAN, IMAGENET_STD, told_inputs
from glimpse.retriever.export.graph import IMAGES, told_to

# Our choice: float32 sums in another order differ by some 1e-6 of the longest number in a vector.
TOLERANCE = 1e-4
BATCHES = (1, 3, 8)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """How far a model is from torch.

    Attributes:
        difference: the largest absolute one in any output.
        scale: the largest absolute value of torch's outputs.
        images: how many were compared.
    """

    difference: float
    scale: float
    images: int

    def require(self, tolerance: float) -> None:
        """Fail if the difference is above `tolerance` times the scale."""
        if not self.difference <= tolerance * self.scale:
            raise StorageError(
                f"the exported model differs from torch by {self.difference:.3g} where values reach "
                f"{self.scale:.3g}, more than {tolerance:g} of it: nothing was written"
            )


def trial_images(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Noise, flat colors, black, white and a chessboard, `[16, H, W, 3]`."""
    height, width = size
    noise = rng.integers(0, 256, (8, height, width, 3), dtype=np.uint8)
    flat = np.broadcast_to(rng.integers(0, 256, (5, 1, 1, 3), dtype=np.uint8), (5, height, width, 3))
    extreme = np.zeros((3, height, width, 3), np.uint8)
    extreme[1] = 255
    extreme[2, (np.indices((height, width)).sum(0) % 2) == 1] = 255
    return np.concatenate([noise, flat, extreme])


def trial_capture(card: NetworkCard, count: int) -> Capture:
    """In turn: cameras that a network knows, one that it does not, and none; every modality, and none."""
    cameras = np.array([NO_CAMERA, *card.cameras, max(card.cameras, default=0) + 1])
    row = np.arange(count)
    return Capture(cameras[row % len(cameras)], row % (len(IMAGE_MODALITIES) + 1) - 1)


def parity(session: Any, encoder: NetworkEncoder, rng: np.random.Generator) -> Parity:
    """Compare a model in either form with torch, at the encoder's own size, in batches of several sizes.

    A model that may be told what images were taken with is compared told and not told.
    """
    images = trial_images(encoder.card.image, rng)
    trials: list[Capture | None] = [None]
    if told_to(encoder.card):
        trials.append(trial_capture(encoder.card, len(images)))
    difference = scale = 0.0
    for capture in trials:
        expected = encoder.embed(images, Capture.unknown(len(images)) if capture is None else capture)
        wanted = [expected.vectors] + ([] if expected.masks is None else [expected.masks])
        scale = max(scale, *(float(np.abs(values).max()) for values in wanted))
        for batch in BATCHES:
            for start in range(0, len(images), batch):
                part = slice(start, start + batch)
                outputs = run(session, images[part], None if capture is None else capture[part])
                if [output.shape for output in outputs] != [values[part].shape for values in wanted]:
                    raise StorageError(
                        f"the exported model cannot do a batch of {batch}: its outputs have the shapes "
                        f"{[output.shape for output in outputs]}"
                    )
                for output, values in zip(outputs, wanted, strict=True):
                    difference = max(difference, float(np.abs(output - values[part]).max()))
    return Parity(difference, scale, len(images))


@dataclass(frozen=True, eq=False)
class ModelEncoder:
    """An exported model in the place of the network it was made from, to measure what it has become.

    Attributes:
        session: of the model, in either form.
        original: says how images are prepared.
    """

    session: Any
    original: NetworkEncoder

    kind = "exported"
    concurrent = False  # the runtime has threads of its own

    @property
    def preparation(self) -> Preparation:
        """The network's."""
        return self.original.preparation

    @property
    def dim(self) -> int:
        """The network's."""
        return self.original.dim

    def embed(self, pixels: Pixels, capture: Capture) -> Embeddings:
        """See `Encoder.embed`."""
        return Embeddings(*run(self.session, pixels, capture))

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `Encoder.embed_texts`."""
        raise no_text_side("an exported model")

    def write(self, folder: Path) -> dict[str, Any]:
        """A model is a file already."""
        raise OptionError("an exported model is not saved again as a retriever")


def as_clients_feed(pixels: Pixels) -> Floats:
    """Images `[B, H, W, 3]` as trackers normalize them: to [0, 1], then by ImageNet's mean and deviation."""
    mean, std = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
    values = (pixels.astype(np.float32) / 255 - mean) / std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def run(session: Any, pixels: Pixels, capture: Capture | None = None) -> list[Floats]:
    """All outputs of a model in either form for images `[B, H, W, 3]`; told nothing without `capture`."""
    name = session.get_inputs()[0].name
    given = as_clients_feed(pixels) if name == IMAGES else pixels
    told = {} if capture is None else told_inputs(session, capture)
    return list(session.run(None, {name: given, **told}))


def cosines(ours: Floats, theirs: Floats) -> Floats:
    """The cosine of each row with its twin, [N]."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    result: Floats = (ours * theirs).sum(1) / np.where(lengths > 0, lengths, 1)
    return result
