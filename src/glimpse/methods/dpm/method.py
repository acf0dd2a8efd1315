"""DPM in training (dpm_family 3.6 and 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from glimpse.methods.dpm.kept_pass import KeptPass
from glimpse.methods.dpm.kinds import Form
from glimpse.methods.dpm.masked_arcface import masked_arcface
from glimpse.methods.dpm.network import DpmFeatures, DpmNetwork
from glimpse.methods.dpm.recipe import DpmRecipe
from glimpse.methods.dpm.regularisers import head_enrichment, participation, participation_floor
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Method, Step

MAIN, MASK = "main", "mask"
"""The updates of everything but the mask head, and of the mask head; `joint` has only the first."""


class Dpm(Method):
    """Two classifications by the same prototypes, one of them masked, and a triplet loss.

    Args:
        network: what is left after training.
        persons: C.
        recipe: weights, scale and margin.
    """

    def __init__(self, network: DpmNetwork, persons: int, recipe: DpmRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.prototypes = nn.Parameter(torch.empty(persons, network.dim))
        nn.init.xavier_uniform_(self.prototypes)  # read in the authors' code (dpm_family 3.5)
        self._participation: Tensor | None = None
        self._first_pass: KeptPass[DpmFeatures] = KeptPass()

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity` and `masked_identity`, and where they count `triplet`, `heads` and `participation`.

        The mask's own update needs only what depends on the mask.
        """
        if step.update == MASK:
            return self._masked(self._features_again(batch, step), batch.labels)
        recipe, labels = self.recipe, batch.labels
        features = self.network(batch.images, batch.cameras, heads=recipe.enrichment_weight > 0)
        if recipe.form is Form.CACHED:
            self._first_pass.keep(step, features.detached())
        logits = nn.functional.linear(features.necked, self.prototypes)
        losses = {
            "identity": recipe.identity_weight * cross_entropy(logits, labels, smoothing=recipe.smoothing),
            **self._masked(features, labels),
        }
        if step.epoch >= recipe.triplet_from:
            losses["triplet"] = soft_triplet(gathered(features.feature), gathered(labels))
        if features.class_logits is not None:
            losses["heads"] = recipe.enrichment_weight * head_enrichment(features.class_logits)
        return losses

    def _masked(self, features: DpmFeatures, labels: Tensor) -> dict[str, Tensor]:
        recipe = self.recipe
        masks = self.network.masks(features)
        if masks is not None:
            self._participation = participation(masks.detach()).mean()
        loss = masked_arcface(
            features.necked,
            masks,
            self.prototypes,
            labels,
            scale=recipe.scale,
            margin=recipe.margin,
            side=recipe.train_side,
        )
        losses = {"masked_identity": recipe.masked_weight * loss}
        if masks is not None and recipe.participation > 0:
            losses["participation"] = participation_floor(masks, recipe.participation)
        return losses

    def _features_again(self, batch: Batch, step: Step) -> DpmFeatures:
        """For the mask's update: those kept of the first pass, or of a second one."""
        if self.recipe.form is not Form.CACHED:
            # only the mask head learns from this pass: nothing of it is kept for a backward
            with torch.no_grad():
                again: DpmFeatures = self.network(batch.images, batch.cameras)
            return again
        return self._first_pass.take(step)

    def observed(self) -> Mapping[str, Tensor]:
        """`participation`: the share of dimensions that masks use (dpm_family 3.11)."""
        return {} if self._participation is None else {"participation": self._participation}

    def compiled(self) -> Sequence[nn.Module]:
        """The encoder's pass, and the mask head, which is called apart from it."""
        head = self.network.mask_head
        return [self.network] if head is None else [self.network, head]

    def embed(self, batch: Batch) -> Tensor:
        """The vectors `[B, D]`, without masks."""
        found = self.network.embed(batch.images, batch.cameras)
        return found if isinstance(found, Tensor) else found[0]
