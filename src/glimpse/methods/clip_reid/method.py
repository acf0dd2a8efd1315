"""CLIP-ReID in training, in its two stages (dpm_family 5.4 and 5.5)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from glimpse.encoders.prompts import PromptTemplate
from glimpse.encoders.text import TextTower
from glimpse.methods.clip_reid.network import ClipReIDNetwork
from glimpse.methods.clip_reid.prompts import PersonPrompts
from glimpse.methods.clip_reid.recipe import ClipReIDRecipe
from glimpse.methods.neck import classifier
from glimpse.training.data import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, ignored_pairs, margin_triplet, supervised_contrast
from glimpse.training.losses.precision import full_precision
from glimpse.training.stages import Method, Step

PROMPT_STAGE, IMAGE_STAGE = "prompts", "images"
CACHED = "projected"
"""The column of the training data that keeps the frozen image vectors of the first stage."""


class ClipReID(Method):
    """First the words of every person are learned, then the image tower.

    Args:
        network: what is left after training.
        texts: CLIP's text tower.
        template: the sentence around the words.
        persons: C.
        recipe: margin, smoothing and weights.
    """

    prototypes: Tensor

    def __init__(
        self,
        network: ClipReIDNetwork,
        texts: TextTower,
        template: PromptTemplate,
        persons: int,
        recipe: ClipReIDRecipe,
    ) -> None:
        super().__init__()
        config = network.encoder.config
        self.network = network
        self.recipe = recipe
        self.prompts = PersonPrompts(texts, template, persons)
        self.classifier = classifier(config.width, persons)
        self.projected_classifier = classifier(config.projection, persons)
        self.register_buffer("prototypes", torch.zeros(persons, config.projection))

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """In the first stage the two contrasts, in the second identity, triplet and image-to-text."""
        if step.stage == PROMPT_STAGE:
            return self._contrasts(batch.columns[CACHED], batch.labels)
        recipe, labels, everybody = self.recipe, batch.labels, gathered(batch.labels)
        features = self.network(batch.images, batch.cameras, batch.mix)
        ignored = batch.ignored
        apart = None if ignored is None else ignored_pairs(gathered(ignored), everybody)
        logits = [self.classifier(features.necked), self.projected_classifier(features.projected_necked)]
        metric = [features.early, features.feature, features.projected]
        identity = [cross_entropy(x, labels, smoothing=recipe.smoothing, ignored=ignored) for x in logits]
        triplets = [margin_triplet(gathered(x), everybody, recipe.margin, apart) for x in metric]
        towards_text = _inner_products(features.projected, self.prototypes)
        return {
            "identity": recipe.identity_weight * torch.stack(identity).sum(),
            "triplet": torch.stack(triplets).sum(),
            "image_to_text": recipe.text_weight
            * cross_entropy(towards_text, labels, smoothing=recipe.smoothing, ignored=ignored),
        }

    def _contrasts(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        everybody, pictures, texts = gathered(labels), gathered(images), gathered(self.prompts(labels))
        return {
            "image_to_text": supervised_contrast(pictures, texts, everybody),
            "text_to_image": supervised_contrast(texts, pictures, everybody),
        }

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D + P]`."""
        return self.network.embed(batch.images, batch.cameras)


@full_precision
def _inner_products(images: Tensor, texts: Tensor) -> Tensor:
    """`[B, C]`; not normalised (dpm_family 5.5)."""
    return images @ texts.T
