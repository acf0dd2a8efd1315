"""SPT's selector in training: what is kept must tell the person, its complement must not (spt.md)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from glimpse.methods.prepare import Prepared
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import Neck, classifier
from glimpse.models.precision import full_precision
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.spt import SptNetwork, SptOptions
from glimpse.recipes.spt import SptRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Method, Stage, Step, one_update


@full_precision
def usage_loss(mask: Tensor, usage: float) -> Tensor:
    """The squared distance of the whole batch's mean from the usage: single images may use more or fewer.

    >>> import torch
    >>> usage_loss(torch.tensor([[0.5, 0.5], [0.25, 0.25]]), 0.375).item()
    0.0
    """
    return (mask.mean() - usage).square()


@full_precision
def complement_loss(logits: Tensor, complement: Tensor) -> Tensor:
    """How far the rest of an image predicts what the image does: mean `<softmax(s0), softmax(s2)>`.

    Args:
        logits: `[B, C]` of the whole image.
        complement: `[B, C]` of the patches that were left out.
    """
    return (logits.softmax(1) * complement.softmax(1)).sum(1).mean()


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
    """The neck with the statistics of whole images, which masked ones leave alone.

    See spt.md, "What the published code does differently".
    """
    norm = neck.norm
    return torch.nn.functional.batch_norm(
        features, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps
    )


def prepare_spt(recipe: SptRecipe, data: TrainingData) -> Prepared:
    """The selector for the persons of the training rows."""
    options = SptOptions(recipe.drop_path)
    network = SptNetwork(recipe.size, recipe.augment.size, options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", network.backbone)
    card = NetworkCard(
        method="spt",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        options=options_to_json(options),
    )
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(build_optimizer(recipe.optimizer, recipe.epochs), clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    return Prepared(Spt(network, len(data.persons), recipe), card, [stage], described(start))
