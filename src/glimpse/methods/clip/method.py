"""CLIP in training: the contrast of pictures and captions."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from glimpse.methods.clip.network import ClipNetwork
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import image_text_contrast
from glimpse.training.stages import Method, Step

IDS, ENDS = "caption_ids", "caption_ends"
"""The columns of the training data that hold the captions' tokens."""
_LEAST_TEMPERATURE = 0.01  # CLIP's own bound


class Clip(Method):
    """Both towers and a learned temperature.

    Args:
        network: the towers.
        temperature: that the learned one starts from.
    """

    def __init__(self, network: ClipNetwork, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`contrast`; other pictures of the same person are no negatives."""
        ids, ends = batch.columns[IDS], batch.columns[ENDS]
        # nothing behind the longest caption matters to a causal tower
        texts = self.network.embed_text(ids[:, : int(ends.max()) + 1], ends)
        images = self.network.embed(batch.images)
        temperature = self.log_temperature.exp().clamp(min=_LEAST_TEMPERATURE)
        everybody = gathered(batch.labels)
        contrast = image_text_contrast(gathered(images), gathered(texts), temperature, everybody)
        return {"contrast": contrast}

    def embed(self, batch: Batch) -> Tensor:
        """`[B, P]`."""
        return self.network.embed(batch.images)
