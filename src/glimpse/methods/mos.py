"""MoS in training: identity loss, triplet loss between sets, and the conflict penalty (mos.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from torch import Tensor, nn

from glimpse.choices import Triplet
from glimpse.methods.prepare import EmbeddedRows, Finish, Prepared
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import classifier
from glimpse.models.mos import MosNetwork, MosOptions
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.recipes.mos import MosRecipe
from glimpse.retriever.finish import Finished
from glimpse.similarity import SetJaccard, fit_conflict
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, jaccard_triplet, margin_triplet
from glimpse.training.stages import Method, Stage, Step, one_update


class Mos(Method):
    """A metric loss between sets, before the neck, and classification after it.

    Args:
        network: what is left after training.
        persons: C.
        recipe: of the losses.
    """

    def __init__(self, network: MosNetwork, persons: int, recipe: MosRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classifier = classifier(network.dim, persons)

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity` and `triplet`."""
        recipe = self.recipe
        patterns, after = self.network(batch.images)
        everyone, labels = gathered(patterns), gathered(batch.labels)
        if recipe.triplet is Triplet.JACCARD:
            triplet = jaccard_triplet(everyone, labels, recipe.tau, recipe.margin)
        else:
            triplet = margin_triplet(everyone, labels, margin=recipe.margin)
        return {
            "identity": cross_entropy(self.classifier(after), batch.labels, smoothing=recipe.smoothing),
            "triplet": recipe.triplet_weight * triplet,
        }

    def embed(self, batch: Batch) -> Tensor:
        """`[B, C]`."""
        return self.network.embed(batch.images, batch.taken)


def prepare_mos(recipe: MosRecipe, data: TrainingData) -> Prepared:
    """MoS for the persons of the training rows."""
    options = MosOptions(recipe.backbone, recipe.ibn, recipe.pool, recipe.stride, recipe.drop_path)
    network = MosNetwork(recipe.size, recipe.augment.size, options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", cast("ResNet | ViT", network.backbone))
    card = NetworkCard(
        method="mos",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        similarity="set-jaccard",
        options=options_to_json(options),
    )
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(build_optimizer(recipe.optimizer, recipe.epochs), clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    method = Mos(network, len(data.persons), recipe)
    return Prepared(method, card, [stage], described(start), finish=conflict_penalty(recipe))


def conflict_penalty(recipe: MosRecipe) -> Finish | None:
    """What fits the penalty to the training persons, or None if the recipe wants none."""
    wanted = recipe.conflict
    if not wanted.use:
        return None

    def fit(network: nn.Module, rows: EmbeddedRows) -> Finished:
        found = fit_conflict(
            SetJaccard(),
            rows.embeddings,
            rows.records.person,
            np.random.default_rng(recipe.seed),
            wanted.held_out,
            epsilon=wanted.epsilon,
            shortlist=wanted.shortlist,
        )
        # a weight of 0 is an answer: then the prior, of 8 MB for 2,048 channels, is not kept
        return Finished(found if found.weight else SetJaccard())

    return fit
