"""How DPM is trained (dpm_family 3.7)."""

from __future__ import annotations

from glimpse.methods.card import NetworkCard, SimilarityName, options_to_json
from glimpse.methods.dpm.kinds import Form, MaskKind
from glimpse.methods.dpm.method import MAIN, MASK, Dpm
from glimpse.methods.dpm.network import DpmNetwork, DpmOptions
from glimpse.methods.dpm.recipe import DpmRecipe
from glimpse.methods.prepared import Prepared, camera_table
from glimpse.methods.start import copy_part, described, starting_folder
from glimpse.training.build import build_augmentation, build_optimiser, build_sampler
from glimpse.training.data import TrainingData
from glimpse.training.optimise import Optimiser
from glimpse.training.stages import Stage, Update

MASK_HEAD = ("network.mask_head.*",)


def prepare_dpm(recipe: DpmRecipe, data: TrainingData) -> Prepared:
    """DPM for the persons and the cameras of the training rows."""
    options = DpmOptions(
        mask=recipe.mask,
        stride=recipe.stride,
        side_weight=recipe.side_weight,
        unknown_camera=recipe.unknown_camera,
        drop_path=recipe.drop_path,
        tap=recipe.tap,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = DpmNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    start = starting_folder(recipe.weights, "vit", recipe.size)
    if start is not None:
        copy_part(start, "encoder", network.encoder)
    masked = recipe.mask is not MaskKind.NONE
    card = NetworkCard(
        method="dpm",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        deviation=recipe.augment.deviation,
        cameras=cameras,
        similarity=SimilarityName.MASKED_COSINE if masked else SimilarityName.COSINE,
        side=recipe.test_side,
        options=options_to_json(options),
    )
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=dpm_updates(recipe),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    return Prepared(Dpm(network, len(data.persons), recipe), card, [stage], described(start))


def dpm_updates(recipe: DpmRecipe) -> tuple[Update, ...]:
    """What happens in each step: one update of both parts, or one of each; without a mask head just one."""
    clip = recipe.optimiser.clip
    if recipe.mask is MaskKind.NONE:
        return (Update(MAIN, (build_optimiser(recipe.optimiser, recipe.epochs),), clip=clip),)
    main = build_optimiser(recipe.optimiser, recipe.epochs, but_not=MASK_HEAD)
    mask = build_optimiser(recipe.mask_optimiser, recipe.epochs, parameters=MASK_HEAD)
    return by_turns(recipe.form, main, mask, clip, recipe.mask_optimiser.clip)


def by_turns(
    form: Form, main: Optimiser, mask: Optimiser, clip: float | None, mask_clip: float | None
) -> tuple[Update, ...]:
    """One update of encoder and mask head together, or one of each."""
    if form is Form.JOINT:
        return (Update(MAIN, (main, mask), clip=clip),)
    return Update(MAIN, (main,), clip=clip), Update(MASK, (mask,), clip=mask_clip)
