"""AGW in training: identity loss, weighted regularized triplet, and its one stage (agw.md)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from glimpse.methods.cross_modal import check_modalities, cross_modal_triplet
from glimpse.methods.prepare import Prepared
from glimpse.models.agw import AgwNetwork, AgwOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.heads.bnneck import classifier
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.taken import INFRARED
from glimpse.recipes.agw import AgwRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, margin_triplet, weighted_triplet
from glimpse.training.optimizers import Rule
from glimpse.training.stages import Method, Stage, Step, one_update


class Agw(Method):
    """Metric losses before the neck, classification after it.

    Args:
        network: what is left after training.
        persons: C.
        recipe: of the losses.
    """

    def __init__(self, network: AgwNetwork, persons: int, recipe: AgwRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classifier = classifier(network.dim, persons)

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity`, `triplet` and, if it has a weight, `cross_modal`."""
        recipe, infrared = self.recipe, batch.modalities == INFRARED
        before, after = self.network(batch.images, infrared)
        everyone, labels = gathered(before), gathered(batch.labels)
        losses = {
            "identity": cross_entropy(self.classifier(after), batch.labels, smoothing=recipe.smoothing),
            "triplet": weighted_triplet(everyone, labels)
            if recipe.weighted
            else margin_triplet(everyone, labels, margin=recipe.margin),
        }
        if recipe.cross_modal:
            losses["cross_modal"] = recipe.cross_modal * cross_modal_triplet(
                before, batch, recipe.cross_margin
            )
        return losses

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D]`."""
        return self.network.embed(batch.images, batch.taken)


def prepare_agw(recipe: AgwRecipe, data: TrainingData) -> Prepared:
    """AGW for the persons of the training rows."""
    check_modalities("agw", data)
    options = AgwOptions(
        backbone=recipe.backbone,
        two_stems=recipe.two_stems,
        non_local=recipe.non_local,
        non_local_width=recipe.non_local_width,
        pool=recipe.pool,
        gem_power=recipe.gem_power,
        stride=recipe.stride,
        modality_weight=recipe.modality_weight,
        drop_path=recipe.drop_path,
        neck_feat=recipe.neck_feat,
    )
    size, mean, std = recipe.augment.size, recipe.augment.mean, recipe.augment.std
    network = AgwNetwork(recipe.size, size, options, mean, std)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        stems = tuple(f"stems.{number}" for number in range(2 if options.two_stems else 1))
        load_pretrained(
            start, "backbone", network.backbone, new_parts=("non_local",), copies={"stems.0": stems}
        )
    card = NetworkCard(
        method="agw",
        size=recipe.size,
        image=size,
        mean=mean,
        std=std,
        modalities=options.modalities,
        options=options_to_json(options),
    )
    slower = Rule(("network.backbone.*",), lr=recipe.backbone_lr_factor)
    optimizer = build_optimizer(recipe.optimizer, recipe.epochs, rules=(slower,))
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimizer, clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    method = Agw(network, len(data.persons), recipe)
    return Prepared(method, card, [stage], described(start))
