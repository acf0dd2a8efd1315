"""BoT in training: identity, triplet and center loss (dpm_family 1.4 and 1.6)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from glimpse.methods.bot.network import BoTNetwork
from glimpse.methods.bot.recipe import BoTRecipe
from glimpse.methods.neck import classifier
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import center_loss, cross_entropy, margin_triplet
from glimpse.training.stages import Method, Step


class BoT(Method):
    """Metric losses before the neck, classification after it.

    Args:
        network: what is left after training.
        persons: C.
        recipe: margin, smoothing and weights.
    """

    def __init__(self, network: BoTNetwork, persons: int, recipe: BoTRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classifier = classifier(network.dim, persons)
        # from a standard normal: read in the authors' code
        self.centers = nn.Parameter(torch.randn(persons, network.dim)) if recipe.center_weight else None

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, `triplet` and, if it has a weight, `center`."""
        before, after = self.network(batch.images)
        recipe, logits = self.recipe, self.classifier(after)
        losses = {
            "identity": cross_entropy(logits, batch.labels, smoothing=recipe.smoothing),
            "triplet": margin_triplet(gathered(before), gathered(batch.labels), margin=recipe.margin),
        }
        if self.centers is not None:
            losses["center"] = recipe.center_weight * center_loss(before, self.centers, batch.labels)
        return losses

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D]`."""
        return self.network.embed(batch.images, batch.cameras)
