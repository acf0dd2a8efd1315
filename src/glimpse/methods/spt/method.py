"""The selector in training: whole picture, kept patches, the rest (dpm_family 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from glimpse.methods.neck import Neck, classifier
from glimpse.methods.spt.losses import complement_loss, usage_loss
from glimpse.methods.spt.network import SptNetwork
from glimpse.methods.spt.recipe import SptRecipe
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Method, Step


class Spt(Method):
    """Three passes with shared weights.

    Args:
        network: what is left after training.
        persons: C.
        recipe: usage and weights.
    """

    def __init__(self, network: SptNetwork, persons: int, recipe: SptRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classifier = classifier(network.dim, persons)

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, `kept`, `triplet`, `usage` and `complement`."""
        recipe, images, labels = self.recipe, batch.images, batch.labels
        feature, mask = self.network(images)
        logits = self.classifier(self.network.neck(feature))
        kept = self._logits(self.network.seen_through(images, mask))
        rest = self._logits(self.network.seen_through(images, 1 - mask))
        return {
            "identity": cross_entropy(logits, labels),
            "kept": cross_entropy(kept, labels),
            "triplet": soft_triplet(gathered(feature), gathered(labels)),
            "usage": recipe.usage_weight * usage_loss(gathered(mask), recipe.usage),
            "complement": recipe.complement_weight * complement_loss(logits, rest),
        }

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D]`."""
        return self.network.embed(batch.images)

    def _logits(self, feature: Tensor) -> Tensor:
        """`[B, C]` of a masked pass."""
        logits: Tensor = self.classifier(whole_statistics(self.network.neck, feature))
        return logits


def whole_statistics(neck: Neck, features: Tensor) -> Tensor:
    """The neck with the statistics of whole pictures, which masked ones leave alone (dpm_family 4.5)."""
    norm = neck.norm
    return torch.nn.functional.batch_norm(
        features, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps
    )
