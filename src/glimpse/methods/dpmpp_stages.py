"""How DPM++ is trained: words, then the backbone, then backbone and masks (dpmpp.md, "Stages")."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from glimpse.choices import Backbone, Copies, MaskKind
from glimpse.methods.clip_reid import keep_prototypes, sentence_of, with_image_vectors
from glimpse.methods.dpm import MAIN, MASK_HEAD, by_turns
from glimpse.methods.dpmpp import ADAPT, METRIC, PROMPTS, Dpmpp
from glimpse.methods.dpmpp_losses import as_prototypes, pulled_back
from glimpse.methods.embedding import over_rows
from glimpse.methods.prepare import Prepared, camera_table
from glimpse.models.backbones.sizes import CLIP_TEXT
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.dpmpp import DpmppNetwork, DpmppOptions
from glimpse.models.heads.bnneck import Neck
from glimpse.models.heads.stripes import StripedMaskHead
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.text.prompts import PersonPrompts
from glimpse.recipes.dpmpp import DpmppRecipe
from glimpse.records import IntArray
from glimpse.segmentation.base import PERSON
from glimpse.training.augment import Erasing
from glimpse.training.batches import TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler
from glimpse.training.optimizers import Optimizer, Rule
from glimpse.training.sampler import ShuffledSampler
from glimpse.training.schedulers import Later
from glimpse.training.stages import Method, Stage, Update, one_update
from glimpse.training.transfer.bank import donor_bank
from glimpse.training.transfer.controlled import ControlledRule
from glimpse.training.transfer.copies import ErasingHide, Hide, OccludedCopies, TransferHide

HEADS = ("classes", "network.neck.*", "projected_neck.*", "projected_classifier.*")
WORDS = ("prompts.words",)
# given by the design (dpmpp.md, "Stages"): patches of ViT-B, finer than those of small backbones
CELLS = (16, 8)


def prepare_dpmpp(recipe: DpmppRecipe, data: TrainingData) -> Prepared:
    """DPM++ for the persons and the cameras of the training rows."""
    options = DpmppOptions(
        backbone=recipe.backbone,
        mask=recipe.mask,
        stripes=recipe.stripes,
        stride=recipe.stride,
        camera_weight=recipe.camera_weight,
        unknown_camera=recipe.unknown_camera,
        drop_path=recipe.drop_path,
        neck_feat=recipe.neck_feat,
    )
    cameras = camera_table(data) if recipe.cameras else ()
    network = DpmppNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    clip = recipe.backbone is Backbone.CLIP
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "images" if clip else "backbone", network.backbone)
    prompts = None
    if recipe.text:
        texts = TextBackbone(CLIP_TEXT[recipe.size])
        if start is not None:
            load_pretrained(start, "texts", texts)
        prompts = PersonPrompts(texts, sentence_of(start, texts), len(data.persons))
    masked = recipe.mask is not MaskKind.NONE
    card = NetworkCard(
        method="dpm++",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        cameras=cameras,
        similarity="masked-cosine" if masked else "cosine",
        mask_side=recipe.test_mask_side,
        options=options_to_json(options),
    )
    artifacts = {}
    if recipe.text:
        artifacts = {
            "prompts.safetensors": {"words": "prompts.words"},
            "prototypes.safetensors": {"prototypes": "prototypes"},
        }
    method = Dpmpp(network, prompts, len(data.persons), recipe)
    return Prepared(method, card, stages(recipe, data), described(start), artifacts)


def stages(recipe: DpmppRecipe, data: TrainingData) -> list[Stage]:
    """S1 with words, S2 if there are epochs for it, and S3."""
    augmentation = build_augmentation(recipe.augment)
    transfer = _copies(recipe, data)
    if transfer is not None:
        # the copies' own change erases, as copies are made of images that are whole
        augmentation = replace(augmentation, erasing=None)
    adapt = Stage(
        name=ADAPT,
        epochs=max(recipe.adapt_epochs, 1),
        updates=one_update(_main(recipe, masks=False), clip=recipe.optimizer.clip),
        sampler=build_sampler(recipe.sampler, data, recipe.seed),
        augmentation=augmentation,
        transfer=transfer,
        evaluating=("prompts", "prompts.*") if recipe.text else (),
        begin=begin_from_rows,
    )
    metric = replace(
        adapt,
        name=METRIC,
        epochs=recipe.epochs - recipe.adapt_epochs,
        updates=_updates(recipe),
        begin=None if recipe.adapt_epochs else begin_from_rows,
    )
    found = [adapt, metric] if recipe.adapt_epochs else [metric]
    if not recipe.text:
        return found
    words = Stage(
        name=PROMPTS,
        epochs=recipe.prompt_epochs,
        updates=one_update(
            build_optimizer(recipe.prompt_optimizer, recipe.prompt_epochs, parameters=WORDS),
            clip=recipe.prompt_optimizer.clip,
        ),
        sampler=ShuffledSampler(len(data), recipe.prompt_batch, seed=recipe.seed),
        evaluating=("*",),
        derive=with_image_vectors,
        validated=False,
    )
    return [words, *found]


def _main(recipe: DpmppRecipe, *, masks: bool) -> Optimizer:
    """The optimizer of everything but the words, and but the mask head unless `masks`."""
    without = (*(WORDS if recipe.text else ()), *(MASK_HEAD if _has_masks(recipe) and not masks else ()))
    heads = HEADS if recipe.backbone is Backbone.CLIP else HEADS[:2]
    return build_optimizer(
        recipe.optimizer, recipe.epochs, exclude=without, rules=(Rule(heads, lr=recipe.head_lr_factor),)
    )


def _updates(recipe: DpmppRecipe) -> tuple[Update, ...]:
    """What happens in each step of S3: one update of both parts, or one of each."""
    main, clip = _later(_main(recipe, masks=False), recipe), recipe.optimizer.clip
    if not _has_masks(recipe):
        return (Update(MAIN, (main,), clip=clip),)
    mask = _later(build_optimizer(recipe.mask_optimizer, recipe.epochs, parameters=MASK_HEAD), recipe)
    return by_turns(recipe.form, main, mask, clip, recipe.mask_optimizer.clip)


def _later(optimizer: Optimizer, recipe: DpmppRecipe) -> Optimizer:
    return replace(optimizer, schedule=Later(optimizer.schedule, recipe.adapt_epochs))


def _has_masks(recipe: DpmppRecipe) -> bool:
    return recipe.mask is not MaskKind.NONE


def _copies(recipe: DpmppRecipe, data: TrainingData) -> OccludedCopies | None:
    """The synthetic copies."""
    transfer, augment = recipe.transfer, recipe.augment
    if not transfer.share:
        return None
    hide: Hide
    if transfer.kind is Copies.TRANSFER:
        rule = ControlledRule(
            overlap=transfer.overlap,
            visible=transfer.visible,
            tolerance=transfer.tolerance,
            best=transfer.best,
            shift=transfer.shift,
            smallest=transfer.smallest,
            border=transfer.border,
        )
        bank = donor_bank(data, PERSON, CELLS, transfer.bank, recipe.seed)
        hide = TransferHide(bank, augment.mean, augment.std, rule=rule)
    else:
        # as much of the image as the wanted visible share leaves
        low, high = transfer.visible
        hide = ErasingHide(Erasing(1.0, (max(1 - high, 0.01), 1 - low), fill=augment.erasing_fill))
    return OccludedCopies(transfer.share, CELLS, hide, build_augmentation(augment).erasing)


@torch.no_grad()
def begin_from_rows(method: Method, data: TrainingData) -> None:
    """Give necks the statistics of the rows, prototypes the words, and stripes what is usual.

    See dpmpp.md, "Initialization from text".
    """
    trained = cast("Dpmpp", method)
    if trained.prompts is not None:
        keep_prototypes(method, data)
    network, augment = trained.network.eval(), trained.recipe.augment
    device = next(network.parameters()).device
    cameras = (
        torch.from_numpy(data.cameras).to(device) if network.backbone.camera_embedding is not None else None
    )

    def look(images: Tensor, rows: IntArray) -> tuple[Tensor, ...]:
        features = network(images, None if cameras is None else cameras[rows])
        found = (features.descriptor, *(() if features.projected is None else (features.projected,)))
        return tuple(part.float() for part in found)

    assert data.pixels is not None
    whole, *projected = over_rows(look, data.pixels, len(data), augment.mean, augment.std, device)
    _count(network.neck, whole)
    if trained.projected_neck is not None:
        _count(trained.projected_neck, projected[0])
    if isinstance(network.mask_head, StripedMaskHead):
        network.mask_head.expect(torch.from_numpy(np.asarray(data.maps[PERSON])))
    if trained.prompts is None or not trained.recipe.pull_back:
        return
    backbone, norm = network.backbone, network.neck.norm
    assert backbone.projection is not None
    assert norm.running_var is not None
    width = network.width
    std = (norm.running_var[:width] + norm.eps).sqrt()
    words = pulled_back(trained.prototypes, backbone.projection, norm.weight[:width], std)
    # only the class token's block speaks the words' language
    trained.classes[:, :width] = as_prototypes(words)


def _count(neck: Neck, features: Tensor) -> None:
    """Set a batch norm's running statistics to those of all features `[N, D]`."""
    norm = neck.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(features.mean(0))
    norm.running_var.copy_(features.var(0))
