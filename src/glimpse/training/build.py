"""From a recipe's groups to the parts of the engine that they describe."""

from __future__ import annotations

import numpy as np

from glimpse.choices import EpochLength, Mixing, SchedulerKind
from glimpse.errors import OptionError
from glimpse.models.backbones.vit import ViTConfig
from glimpse.recipes.groups import AugmentRecipe, OptimizerRecipe, SamplerRecipe, TransferRecipe
from glimpse.records import MODALITIES
from glimpse.training.augment import Augmentation, ChannelExchange, ColorJitter, Erasing, FlipAndCrop
from glimpse.training.batches import TrainingData
from glimpse.training.optimizers import BIAS_TWICE, Optimizer, Rule
from glimpse.training.sampler import BalancedSampler, CaptionSampler, PersonSampler, Sampler
from glimpse.training.schedulers import Constant, Schedule, WarmupCosine, WarmupSteps
from glimpse.training.transfer.pairing import PairingRule
from glimpse.training.transfer.transfer import PatchTransfer


def build_schedule(recipe: OptimizerRecipe, epochs: int) -> Schedule:
    """The scheduler of the learning rate over `epochs` epochs."""
    if recipe.scheduler is SchedulerKind.COSINE:
        start, minimum = recipe.warmup_start * recipe.lr, recipe.minimum * recipe.lr
        return WarmupCosine(epochs=epochs, warmup=recipe.warmup, start=start, minimum=minimum)
    if recipe.scheduler is SchedulerKind.STEPS:
        return WarmupSteps(recipe.warmup, recipe.warmup_start, recipe.milestones, recipe.factor)
    return Constant()


def build_optimizer(
    recipe: OptimizerRecipe,
    epochs: int,
    *,
    parameters: tuple[str, ...] = ("*",),
    exclude: tuple[str, ...] = (),
    rules: tuple[Rule, ...] = (),
) -> Optimizer:
    """An optimizer of the parameters that the patterns name, with further rules of the method."""
    return Optimizer(
        kind=recipe.kind,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        schedule=build_schedule(recipe, epochs),
        parameters=parameters,
        exclude=exclude,
        rules=(Rule(BIAS_TWICE.names, lr=recipe.bias_lr_factor), *rules),
    )


def build_augmentation(recipe: AugmentRecipe) -> Augmentation:
    """The augmentation; parts whose probability or strength is 0 are left out."""
    moved = recipe.flip > 0 or recipe.padding > 0
    strengths = (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue, recipe.gray)
    return Augmentation(
        mean=recipe.mean,
        std=recipe.std,
        geometry=FlipAndCrop(recipe.flip, recipe.padding, recipe.padding_fill) if moved else None,
        exchange=ChannelExchange(recipe.exchange) if recipe.exchange else None,
        jitter=ColorJitter(*strengths) if any(strengths) else None,
        erasing=Erasing(recipe.erasing, recipe.erasing_area, fill=recipe.erasing_fill)
        if recipe.erasing
        else None,
    )


def build_sampler(recipe: SamplerRecipe, data: TrainingData, seed: int) -> Sampler:
    """The sampler; how long an epoch of the balanced form is, is `recipe.length`.

    It draws images. One that has several captions counts once, and comes with one of them.
    """
    labels, modalities = data.labels[data.first_rows], data.modalities[data.first_rows]
    persons, images, distinct = recipe.persons, recipe.images, recipe.distinct
    if not recipe.balanced:
        return with_captions(PersonSampler(labels, persons, images, seed, distinct), data, seed)
    numbers = np.unique(modalities)
    if len(numbers) and numbers[0] < 0:
        row = int(np.argmin(data.modalities))
        raise OptionError(f"a balanced sampler needs to know every row's modality, and not that of row {row}")
    names = [MODALITIES[number] for number in numbers]
    if len(names) < 2:
        raise OptionError(f"a balanced sampler needs two modalities, got only {' '.join(names) or 'no rows'}")
    of_each = [int(np.count_nonzero(modalities == number)) for number in numbers]
    batches = {
        EpochLength.IMAGES: max(1, sum(of_each) // (persons * images * len(names))),
        EpochLength.LARGER: max(1, max(of_each) // (persons * images)),
        EpochLength.PERSONS: None,
    }[recipe.length]
    balanced = BalancedSampler(labels, modalities, persons, images, batches, seed, distinct)
    return with_captions(balanced, data, seed)


def with_captions(sampler: Sampler, data: TrainingData, seed: int) -> Sampler:
    """A sampler of the data's images as one of its rows: each image with one of its captions, if any."""
    return CaptionSampler(sampler, data.images, seed) if data.captioned else sampler


def build_transfer(recipe: TransferRecipe, backbone: ViTConfig) -> PatchTransfer | None:
    """The patch transfer for a backbone, or None if it is off: then nothing at all is drawn for it."""
    if not recipe.share:
        return None
    whole = (backbone.image[0] // backbone.patch, backbone.image[1] // backbone.patch)
    # pixels are mixed in cells that do not overlap, whatever the backbone's patches do
    grid = backbone.grid if recipe.mixing is Mixing.EMBEDDING else whole
    rule = PairingRule(
        candidates=recipe.candidates,
        overlap=recipe.overlap,
        smallest=recipe.smallest,
        distinct=recipe.distinct,
        rolled=recipe.rolled,
        same_person=recipe.same_person,
    )
    return PatchTransfer(recipe.share, grid, recipe.mixing, rule)
