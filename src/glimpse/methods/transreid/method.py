"""TransReID in training: identity and soft triplet loss on every feature (dpm_family 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from glimpse.methods.neck import classifier
from glimpse.methods.transreid.network import TransReIDNetwork
from glimpse.methods.transreid.recipe import TransReIDRecipe
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, ignored_pairs, soft_triplet
from glimpse.training.stages import Method, Step


class TransReID(Method):
    """A classifier per feature; with local features, these count together as much as the global one.

    Args:
        network: what is left after training.
        persons: C.
        recipe: smoothing, and when the triplet loss joins.
    """

    def __init__(self, network: TransReIDNetwork, persons: int, recipe: TransReIDRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        width = network.encoder.config.width
        self.classifiers = nn.ModuleList(classifier(width, persons) for _ in network.necks)

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, and `triplet` once it has joined."""
        before, after = self.network(batch.images, batch.cameras, batch.mix)
        labels, smoothing = batch.labels, self.recipe.smoothing
        logits = [head(feature) for head, feature in zip(self.classifiers, after, strict=True)]
        ignored = batch.ignored
        found = {
            "identity": half_global(
                [cross_entropy(x, labels, smoothing=smoothing, ignored=ignored) for x in logits]
            )
        }
        if step.epoch >= self.recipe.triplet_from:
            everybody = gathered(labels)
            apart = None if ignored is None else ignored_pairs(gathered(ignored), everybody)
            found["triplet"] = half_global([soft_triplet(gathered(x), everybody, apart) for x in before])
        return found

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D]`."""
        return self.network.embed(batch.images, batch.cameras)


def half_global(losses: Sequence[Tensor]) -> Tensor:
    """The loss of the first feature and the mean loss of the others, half each; alone it counts whole.

    >>> half_global([torch.tensor(4.0), torch.tensor(1.0), torch.tensor(3.0)])
    tensor(3.)
    """
    first, *rest = losses
    return 0.5 * first + 0.5 * torch.stack(rest).mean() if rest else first
