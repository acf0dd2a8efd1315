"""TransReID in training: losses of the global and the local features, and its one stage (transreid.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from glimpse.methods.prepare import Prepared, camera_table
from glimpse.models.backbones.vit import ViTConfig
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import classifier
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler, build_transfer
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, ignored_pairs, soft_triplet
from glimpse.training.stages import Method, Stage, Step, one_update


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
        width = network.backbone.config.width
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
        return self.network.embed(batch.images, batch.taken)


def half_global(losses: Sequence[Tensor]) -> Tensor:
    """The loss of the first feature and the mean loss of the others, half each; alone it counts whole.

    >>> half_global([torch.tensor(4.0), torch.tensor(1.0), torch.tensor(3.0)])
    tensor(3.)
    """
    first, *rest = losses
    return 0.5 * first + 0.5 * torch.stack(rest).mean() if rest else first


def prepare_transreid(recipe: TransReIDRecipe, data: TrainingData) -> Prepared:
    """TransReID for the persons and the cameras of the training rows."""
    options = TransReIDOptions(
        stride=recipe.stride,
        jigsaw=recipe.jigsaw,
        camera_weight=recipe.camera_weight,
        drop_path=recipe.drop_path,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = TransReIDNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", network.backbone)
        if network.local is not None:
            network.local.follow(network.backbone)
    card = NetworkCard(
        method="transreid",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        cameras=cameras,
        options=options_to_json(options),
    )
    method = TransReID(network, len(data.persons), recipe)
    return Prepared(method, card, [transreid_stage(recipe, data, network.backbone.config)], described(start))


def transreid_stage(recipe: TransReIDRecipe, data: TrainingData, backbone: ViTConfig) -> Stage:
    """The one stage."""
    optimizer = build_optimizer(recipe.optimizer, recipe.epochs)
    return Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimizer, clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
        transfer=build_transfer(recipe.transfer, backbone),
    )
