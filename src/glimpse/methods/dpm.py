"""DPM in training: plain and masked classification, and the updates of backbone and mask head (dpm.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from glimpse.choices import Form, MaskKind
from glimpse.errors import TrainingError
from glimpse.methods.dpm_losses import head_enrichment, masked_arcface, participation, participation_floor
from glimpse.methods.prepare import Prepared, camera_table
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.dpm import DpmFeatures, DpmNetwork, DpmOptions
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.recipes.dpm import DpmRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler, build_transfer
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, ignored_pairs, soft_triplet
from glimpse.training.optimizers import Optimizer
from glimpse.training.stages import Method, Stage, Step, Update

T = TypeVar("T")


class ForwardCache(Generic[T]):
    """Holds one value from one update to the next of the same step."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[int, ...], T] | None = None

    def keep(self, step: Step, value: T) -> None:
        """Keep a value for the updates that follow in this step."""
        self._kept = step.key, value

    def take(self, step: Step) -> T:
        """The value, once."""
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != step.key:
            raise TrainingError(f"the update {step.update} follows another update of the same step")
        return kept[1]


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
        nn.init.xavier_uniform_(self.prototypes)  # read in the authors' code (dpm.md, "Masked ArcFace")
        self._participation: Tensor | None = None
        self._first_pass: ForwardCache[DpmFeatures] = ForwardCache()

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`identity` and `masked_identity`, and where they count `triplet`, `heads` and `participation`.

        The mask's own update needs only what depends on the mask.
        """
        if step.update == MASK:
            return self._masked(self._features_again(batch, step), batch)
        recipe, labels, ignored = self.recipe, batch.labels, batch.ignored
        heads = recipe.enrichment_weight > 0
        features = self.network(batch.images, batch.cameras, batch.mix, heads=heads)
        if recipe.form is Form.CACHED:
            self._first_pass.keep(step, features.detached())
        logits = nn.functional.linear(features.necked, self.prototypes)
        identity = cross_entropy(logits, labels, smoothing=recipe.smoothing, ignored=ignored)
        losses = {"identity": recipe.identity_weight * identity, **self._masked(features, batch)}
        if step.epoch >= recipe.triplet_from:
            everybody = gathered(labels)
            apart = None if ignored is None else ignored_pairs(gathered(ignored), everybody)
            losses["triplet"] = soft_triplet(gathered(features.feature), everybody, apart)
        if features.class_logits is not None:
            losses["heads"] = recipe.enrichment_weight * head_enrichment(features.class_logits)
        return losses

    def _masked(self, features: DpmFeatures, batch: Batch) -> dict[str, Tensor]:
        recipe = self.recipe
        masks = self.network.masks(features)
        if masks is not None:
            self._participation = participation(masks.detach()).mean()
        loss = masked_arcface(
            features.necked,
            masks,
            self.prototypes,
            batch.labels,
            scale=recipe.scale,
            margin=recipe.margin,
            side=recipe.train_mask_side,
            ignored=batch.ignored,
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
                again: DpmFeatures = self.network(batch.images, batch.cameras, batch.mix)
            return again
        return self._first_pass.take(step)

    def observed(self) -> Mapping[str, Tensor]:
        """`participation`: the share of dimensions that masks use.

        See dpm.md, "What the published code does differently".
        """
        return {} if self._participation is None else {"participation": self._participation}

    def compiled(self) -> Sequence[nn.Module]:
        """The backbone's pass, and the mask head, which is called apart from it."""
        head = self.network.mask_head
        return [self.network] if head is None else [self.network, head]

    def embed(self, batch: Batch) -> Tensor:
        """The vectors `[B, D]`, without masks."""
        found = self.network.embed(batch.images, batch.taken)
        return found if isinstance(found, Tensor) else found[0]


MASK_HEAD = ("network.mask_head.*",)


def prepare_dpm(recipe: DpmRecipe, data: TrainingData) -> Prepared:
    """DPM for the persons and the cameras of the training rows."""
    options = DpmOptions(
        mask=recipe.mask,
        stride=recipe.stride,
        camera_weight=recipe.camera_weight,
        unknown_camera=recipe.unknown_camera,
        drop_path=recipe.drop_path,
        neck_feat=recipe.neck_feat,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = DpmNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "backbone", network.backbone)
    masked = recipe.mask is not MaskKind.NONE
    card = NetworkCard(
        method="dpm",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        cameras=cameras,
        similarity="masked-cosine" if masked else "cosine",
        mask_side=recipe.test_mask_side,
        options=options_to_json(options),
    )
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=dpm_updates(recipe),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
        transfer=build_transfer(recipe.transfer, network.backbone.config),
    )
    return Prepared(Dpm(network, len(data.persons), recipe), card, [stage], described(start))


def dpm_updates(recipe: DpmRecipe) -> tuple[Update, ...]:
    """What happens in each step: one update of both parts, or one of each; without a mask head just one."""
    clip = recipe.optimizer.clip
    if recipe.mask is MaskKind.NONE:
        return (Update(MAIN, (build_optimizer(recipe.optimizer, recipe.epochs),), clip=clip),)
    main = build_optimizer(recipe.optimizer, recipe.epochs, exclude=MASK_HEAD)
    mask = build_optimizer(recipe.mask_optimizer, recipe.epochs, parameters=MASK_HEAD)
    return by_turns(recipe.form, main, mask, clip, recipe.mask_optimizer.clip)


def by_turns(
    form: Form, main: Optimizer, mask: Optimizer, clip: float | None, mask_clip: float | None
) -> tuple[Update, ...]:
    """One update of backbone and mask head together, or one of each."""
    if form is Form.JOINT:
        return (Update(MAIN, (main, mask), clip=clip),)
    return Update(MAIN, (main,), clip=clip), Update(MASK, (mask,), clip=mask_clip)
