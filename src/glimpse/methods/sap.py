"""SAP in training: what the teacher says, the losses, and the one stage (sap.md)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from glimpse.choices import Teacher
from glimpse.errors import TrainingError
from glimpse.methods.prepare import Prepared, camera_table
from glimpse.methods.sap_losses import (
    patch_consistency,
    patch_labels,
    proxy_consistency,
    supervised_patches,
    teacher_matrix,
)
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import classifier
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.sap import SapNetwork, SapOptions, SapOutput
from glimpse.recipes.sap import SapRecipe
from glimpse.segmentation.parts import PART
from glimpse.segmentation.sources import StripeParts
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Method, Stage, Step, one_update


class Sap(Method):
    """A classifier per feature, and the two consistencies with a teacher.

    Args:
        network: what is left after training.
        persons: C.
        parts: K, of the teacher.
        recipe: of the losses.
    """

    stripes: Tensor

    def __init__(self, network: SapNetwork, persons: int, parts: int, recipe: SapRecipe) -> None:
        super().__init__()
        self.network = network
        self.parts = parts
        self.recipe = recipe
        self.config = network.backbone.config
        self.layer = recipe.layer or len(network.backbone.blocks)
        self.classifiers = nn.ModuleList(classifier(self.config.width, persons) for _ in network.necks)
        if recipe.teacher is Teacher.STRIPES:
            bands = StripeParts(parts).parts([""], self.config.image)
            self.register_buffer("stripes", self._patch_labels(torch.from_numpy(bands)), persistent=False)

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, `triplet` once it has joined, and `patch` and `proxy` if they have a weight."""
        recipe = self.recipe
        logits_of = self.layer if recipe.patch_weight else None
        output = self.network(batch.images, batch.cameras, logits_of=logits_of)
        scores = [head(feature) for head, feature in zip(self.classifiers, output.after, strict=True)]
        found = {
            "identity": _global_and_parts(
                [cross_entropy(one, batch.labels, smoothing=recipe.smoothing) for one in scores]
            )
        }
        if step.epoch >= recipe.triplet_from:
            everyone = gathered(batch.labels)
            found["triplet"] = _global_and_parts(
                [soft_triplet(gathered(feature), everyone) for feature in output.before]
            )
        return found | self._consistencies(batch, output, step)

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D + K D]`."""
        return self.network.embed(batch.images, batch.taken)

    def _consistencies(self, batch: Batch, output: SapOutput, step: Step) -> dict[str, Tensor]:
        recipe, found = self.recipe, {}
        if output.logits is None and not (output.attention and recipe.proxy_weight):
            return {}
        wanted = self._labels(batch)
        dropout = recipe.dropout
        kept = supervised_patches(output.patches, dropout.share, dropout.temperature, step.generator())
        if output.logits is not None:
            matrix = teacher_matrix(wanted, recipe.background)
            loss = patch_consistency(output.logits, matrix, kept, recipe.patch_temperature)
            found["patch"] = recipe.patch_weight * loss
        if output.attention and recipe.proxy_weight:
            each = [
                proxy_consistency(
                    one, wanted, kept, temperature=recipe.proxy_temperature, literal=recipe.absent
                )
                for one in output.attention
            ]
            found["proxy"] = recipe.proxy_weight * torch.stack(each).mean()
        return found

    def _labels(self, batch: Batch) -> Tensor:
        """What the teacher says of each patch, `[B or 1, N, 1 + K]`."""
        if self.recipe.teacher is Teacher.STRIPES:
            return self.stripes
        return self._patch_labels(batch.maps[PART])

    def _patch_labels(self, maps: Tensor) -> Tensor:
        config = self.config
        return patch_labels(maps, self.parts, config.patch, config.stride, self.recipe.sharpness)


def _global_and_parts(losses: list[Tensor]) -> Tensor:
    """The loss of the class token and the mean of the parts' losses, together."""
    first, *parts = losses
    return first + torch.stack(parts).mean() if parts else first


def part_names(recipe: SapRecipe, data: TrainingData) -> tuple[str, ...]:
    """Of the teacher's parts, without the background."""
    if recipe.teacher is Teacher.STRIPES:
        return StripeParts(recipe.parts).names[1:]
    if PART not in data.maps or not data.part_names:
        raise TrainingError("SAP learns from part maps by teacher=maps, and the training data has none")
    return data.part_names[1:]


def prepare_sap(recipe: SapRecipe, data: TrainingData) -> Prepared:
    """SAP for the persons, the cameras and the part labels of the training rows."""
    names = part_names(recipe, data)
    options = SapOptions(
        parts=",".join(names) if recipe.proxies else "",
        rounds=recipe.rounds,
        mlp_ratio=recipe.mlp_ratio,
        stride=recipe.stride,
        camera_weight=recipe.camera_weight,
        drop_path=recipe.drop_path,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = SapNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", network.backbone)
        if network.proxies is not None:
            network.proxies.follow(network.backbone)
    card = NetworkCard(
        method="sap",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        cameras=cameras,
        options=options_to_json(options),
    )
    optimizer = build_optimizer(recipe.optimizer, recipe.epochs)
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimizer, clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    return Prepared(Sap(network, len(data.persons), len(names), recipe), card, [stage], described(start))
