"""Pre-training of a backbone on a rendered world, and what its card says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.choices import Size
from glimpse.files import begin_folder, check_folder
from glimpse.methods.clip import learned_tokenizer
from glimpse.methods.fit import A_RUN, GO_ON, Fitted, run
from glimpse.methods.prepare import Prepared, prepared_from_seed
from glimpse.methods.rows import ENDS, IDS
from glimpse.methods.validation import Validation, validation_protocol
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.pretraining.image_cache import CachedRows
from glimpse.pretraining.world_rows import CaptionColumns, Site, WorldRows
from glimpse.recipes.clip import ClipRecipe
from glimpse.recipes.groups import scaled
from glimpse.recipes.presets import world_recipe
from glimpse.recipes.provenance import with_settings
from glimpse.records import IntArray
from glimpse.runtime import hardware, torch_device
from glimpse.training.batches import TrainingData
from glimpse.training.distributed import first_before_others, joined, processes, wait_for_all
from glimpse.training.engine import Engine
from glimpse.training.stage_run import RUN_FILE
from glimpse.world.world import World


def about_weights(command: str, record: Mapping[str, Any], measures: Mapping[str, float]) -> dict[str, str]:
    """The words of the card, from the record of the run (`glimpse.training.run_record`).

    Args:
        command: that made them.
        record: of the run.
        measures: of the people who were held out.
    """
    recipe, world, used = record["recipe"], record["recipe"]["world"], record["hardware"]
    scores = ", ".join(f"{name} {100 * value:.1f} %" for name, value in measures.items())
    return {
        "command": command,
        "recipe": json.dumps(recipe),
        "data": f"a rendered world of {world['people']} people, whom no evidence is measured on",
        "seeds": f"{recipe['seed']} of the training, {world['seed']} of the world",
        "hardware": f"{hardware()}; device {used['device']}, {used['threads']} threads",
        "scores": f"{scores} on {world['held_out']} people who were held out",
    }


_SAMPLE = 2048  # images whose captions the vocabulary is learned from; our choice
_HELD_OUT_TAKES = 2  # images of a held-out person by each camera; our choice


class Architecture(StrEnum):
    """What is pre-trained."""

    VIT = "vit"
    RESNET = "resnet"
    CLIP = "clip"


_METHODS = {Architecture.VIT: "transreid", Architecture.RESNET: "bot"}
_SETTINGS = {
    # the plain baseline: what methods add, they add themselves
    # at the published rate nothing is learned in the first 200 steps
    Architecture.VIT: (
        "weights=none",
        "stride=16",
        "cameras=false",
        "jigsaw=false",
        "epochs=12",
        "optimizer.lr=2e-3",
    ),
    Architecture.RESNET: ("weights=none", "center-weight=0", "epochs=12", "optimizer.milestones=8,11"),
    Architecture.CLIP: (),
}


def pretraining_recipe(backbone: Architecture, size: Size) -> Any:
    """The recipe that a backbone is pre-trained with: classification and metric loss, or contrast.

    >>> pretraining_recipe(Architecture.VIT, Size.MICRO).jigsaw
    False
    """
    start = (
        scaled(ClipRecipe(), size)
        if backbone is Architecture.CLIP
        else world_recipe(_METHODS[backbone], size)
    )
    return with_settings(start, (*_SETTINGS[backbone], "validation.every=2", "optimizer.warmup=1"))


def pretrain(
    backbone: Architecture,
    recipe: Any,
    site: Site,
    out: Path,
    *,
    engine: Engine | None = None,
    resume: bool = False,
    quiet: bool = True,
    threads: int | None = None,
    images: Path | None = None,
) -> Fitted:
    """Train a backbone on a world that is rendered as it is read for the first time.

    Args:
        backbone: what is trained.
        recipe: from `pretraining_recipe`.
        site: the world.
        out: the folder of the run, laid out as `glimpse.methods.fit` says.
        engine: how it runs.
        resume: go on from the last checkpoint.
        quiet: show no progress.
        threads: that render.
        images: a folder where they are kept for further runs; within `out` if not given.
    """
    size, engine = recipe.augment.size, engine or Engine()
    begun = resume or not (out / RUN_FILE).exists()
    check_folder(out, A_RUN, resume=begun, advice=GO_ON)
    world = site.world()
    rows = WorldRows(world, site, 0, site.people, size, threads=threads)
    tokenizer = None
    if backbone is Architecture.CLIP:
        tokenizer = world_tokenizer(rows, recipe)
        rows = replace(rows, captions=CaptionColumns(len(rows), tokenizer))
    columns = {IDS: rows.captions.ids, ENDS: rows.captions.ends} if rows.captions is not None else {}
    with joined(torch_device(engine.device)):
        wait_for_all()  # before the first process begins the folder, all must have looked
        with first_before_others():
            if processes().first:
                begin_folder(out, A_RUN, resume=begun)
            kept = CachedRows.open(images or out / "images", rows)
        data = TrainingData(rows.records(), kept, columns=columns)
        prepared = replace(_prepared(backbone, recipe, data), tokenizer=tokenizer)
        validate = _validation(prepared, world, site, size, recipe.seed, threads)
        more = {"world": asdict(site)}
        return run(
            prepared,
            backbone.value,
            recipe,
            data,
            out,
            engine,
            validate,
            resume=resume,
            quiet=quiet,
            more=more,
        )


def world_tokenizer(rows: WorldRows, recipe: ClipRecipe) -> Tokenizer:
    """A vocabulary of the captions of some of the images, the same in every run."""
    some = np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64)
    return learned_tokenizer(rows.sentences(some, rows.render(some)), recipe)


class Remembered:
    """Pixels that are read once and kept."""

    def __init__(self, source: WorldRows) -> None:
        self._pixels = source.read(np.arange(len(source)))

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """See `PixelSource`."""
        pixels: NDArray[np.uint8] = self._pixels[rows]
        return pixels


def _prepared(backbone: Architecture, recipe: Any, data: TrainingData) -> Prepared:
    method = "clip" if backbone is Architecture.CLIP else _METHODS[backbone]
    return prepared_from_seed(method, recipe, data)


def _validation(
    prepared: Prepared, world: World, site: Site, size: tuple[int, int], seed: int, threads: int | None
) -> Validation:
    held = replace(site, takes=_HELD_OUT_TAKES)
    rows = WorldRows(world, held, site.people, site.held_out, size, threads=threads)
    records = rows.records()
    return Validation(prepared.card, records, Remembered(rows), validation_protocol(records, seed))
