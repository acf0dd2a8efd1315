"""A whole training run of a method: rows in, a folder with networks out.

out/
  recipe.json           the method, its recipe, what it started from, what its masks of persons rest on
  persons.json          what label and camera numbers stand for
  run.json, metrics.jsonl, checkpoints/, final.safetensors, best.safetensors    (`glimpse.training.loop`)
  final/, best/         the network after the last epoch and after the best one (`glimpse.models.storage`),
                        with what else the method learned; each can be loaded as a retriever
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from glimpse.choices import Reads
from glimpse.files import atomic_write
from glimpse.methods.prepare import NETWORK, Prepared, prepare
from glimpse.methods.rows import (
    caption_columns,
    check_sampler,
    each_image,
    in_words,
    learned_rows,
    training_data,
    usable_rows,
)
from glimpse.methods.validation import (
    Validation,
    check_answers,
    has_text,
    images_of,
    needed_images,
    protocol_in_words,
    protocol_of,
    split_persons,
)
from glimpse.models.factory import TextNetwork
from glimpse.models.storage import CARD, TOKENIZER, save_network
from glimpse.pixels import PixelCache
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.recipes.provenance import to_json
from glimpse.recipes.registry import row_of
from glimpse.records import Records
from glimpse.runtime import torch_device
from glimpse.segmentation import MaskSource
from glimpse.segmentation.person_maps import mask_source, person_maps
from glimpse.training.batches import TrainingData
from glimpse.training.checkpoint import tensor_bytes
from glimpse.training.distributed import first_before_others, joined, processes
from glimpse.training.engine import Engine
from glimpse.training.loop import Outcome, train
from glimpse.training.run_record import check_same_run, fingerprint, read_run
from glimpse.training.seeding import kept_global_generators, seed_global_generators
from glimpse.training.stage_run import BEST as BEST_WEIGHTS
from glimpse.training.stage_run import RUN_FILE

FINAL, BEST = "final", "best"


@dataclass(frozen=True)
class Fitted:
    """What a run gave.

    Attributes:
        outcome: the engine's.
        start: what the backbone started from, in words.
        final: the folder of the network after the last epoch.
        best: of the network after the best epoch, or None without validation.
    """

    outcome: Outcome
    start: str
    final: Path
    best: Path | None


def fit(
    method: str,
    recipe: Any,
    rows: Records,
    out: Path,
    *,
    validation: Records | Protocol | None = None,
    like: Protocol | None = None,
    cache: Path | None = None,
    masks: MaskSource | None = None,
    engine: Engine | None = None,
    resume: bool = False,
    progress: Progress = silent,
    quiet: bool = True,
) -> Fitted:
    """Train a method on images; processes that torchrun started share the work.

    Args:
        method: its name.
        recipe: of that method.
        rows: to train on; of these the method takes what it reads (`glimpse.methods.rows`).
        out: the folder of the run; with `resume` the one of the run to continue.
        validation: what chooses the best epoch, rows or a protocol (`Dataset.model_selection`); without any,
            a share of the training persons, as the recipe says.
        like: the data set's own test protocol, whose modalities and kinds of images validation asks.
        cache: the folder of prepared pixels; within `out` if not given.
        masks: where the persons of the rows are, if the recipe transfers patches; GrabCut if not given.
        engine: how it runs.
        resume: go on from the last checkpoint.
        progress: shows the preparation of pixels.
        quiet: show no progress of training.
    """
    engine = engine or Engine()
    with joined(torch_device(engine.device)):
        with first_before_others():
            learned, held, protocol = checked(method, recipe, rows, validation, like)
            words = in_words(rows, learned)
            if words and not quiet and processes().first:
                print(f"{method} learns from {words}", file=sys.stderr)
            pixels = cache or out / "pixels"
            size = recipe.augment.size
            shown = each_image(learned)
            images = PixelCache.build(shown.path.tolist(), pixels, size=size, progress=progress)
            source = mask_source(recipe, pixels, masks, progress, quiet=quiet)
            data = training_data(learned, images, person_maps(source, shown, pixels, size, progress))
            prepared = prepared_from_seed(method, recipe, data)
            if prepared.tokenizer is not None and data.captioned:
                tokens = caption_columns(data.records, prepared.tokenizer)
                data = replace(data, columns={**data.columns, **tokens})
            validate = None
            if held is not None and protocol is not None:
                tokenizer = prepared.tokenizer if isinstance(prepared.method.network, TextNetwork) else None
                if tokenizer is None and (has_text(protocol.query) or has_text(protocol.gallery)):
                    # a method may read, and leave a network that does not
                    protocol = asked(recipe, held, like, texts=False)
                records = needed_images(held, protocol)
                card = prepared.card
                seen = PixelCache.build(
                    records.path.tolist(), pixels, size=size, filter=card.interpolation, progress=progress
                )
                validate = Validation(card, records, seen, protocol, tokenizer)
            about = {} if source is None else {"masks": source.truth}
            if words:
                about["rows"] = words
            if protocol is not None:
                about["validated_by"] = protocol_in_words(protocol)
        return run(
            prepared, method, recipe, data, out, engine, validate, resume=resume, quiet=quiet, about=about
        )


def divided(
    method: str, recipe: Any, rows: Records, validation: Records | Protocol | None
) -> tuple[Records, Records | Protocol | None]:
    """What the method trains on, and what chooses the best epoch: what is given, or a share of the persons.

    A person's images and captions, in every modality, are in one part together.

    Raises:
        OptionError: if the method cannot learn from the rows.
    """
    usable = usable_rows(method, rows)
    held: Records | Protocol | None = validation
    if isinstance(validation, Records):
        held = validation if row_of(method).reads is Reads.CAPTIONS else images_of(validation)
    if held is None or (isinstance(held, Records) and not len(held)):
        usable, aside = split_persons(usable, recipe.validation.share, recipe.seed)
        held = aside if len(aside) else None
    return learned_rows(method, usable), held


def asked(recipe: Any, held: Records | Protocol, like: Protocol | None, *, texts: bool) -> Protocol:
    """The protocol of the validation; one without a query that can be answered is refused."""
    protocol = protocol_of(held, recipe.seed, like, texts=texts)
    check_answers(protocol, ": set more persons aside (validation.share), or none (validation.share=0)")
    return protocol


def checked(
    method: str,
    recipe: Any,
    rows: Records,
    validation: Records | Protocol | None,
    like: Protocol | None,
) -> tuple[Records, Records | Protocol | None, Protocol | None]:
    """`divided`, and the protocol of the validation; nothing is decoded for it.

    Raises:
        OptionError: if the method cannot learn from the rows, or cannot be validated by them.
    """
    learned, held = divided(method, recipe, rows, validation)
    check_sampler(recipe, learned)
    texts = row_of(method).reads is Reads.CAPTIONS
    return learned, held, None if held is None else asked(recipe, held, like, texts=texts)


def finished_run(
    method: str,
    recipe: Any,
    rows: Records,
    out: Path,
    engine: Engine,
    *,
    validation: Records | Protocol | None = None,
) -> bool:
    """Whether `out` holds this very run with all its networks, so that `fit` has nothing left to do.

    Raises:
        TrainingError: if a run with another recipe, on other rows or of another precision is there.
    """
    if not (out / RUN_FILE).is_file():
        return False
    before = read_run(out / RUN_FILE)
    now = {
        "recipe": {"method": method, **to_json(recipe)},
        "seed": recipe.seed,
        "data": fingerprint(divided(method, recipe, rows, validation)[0]),
        "engine": engine.learns_by(),
    }
    check_same_run(before, {**before, **now})
    wanted = [FINAL, *([BEST] if (out / BEST_WEIGHTS).is_file() else [])]
    return before.get("finished") is not None and all((out / name / CARD).is_file() for name in wanted)


def prepared_from_seed(method: str, recipe: Any, data: TrainingData) -> Prepared:
    """The prepared method; the same recipe gives the same weights, whatever was drawn before."""
    with kept_global_generators():
        seed_global_generators(recipe.seed)
        return prepare(method, recipe, data)


def run(
    prepared: Prepared,
    method: str,
    recipe: Any,
    data: TrainingData,
    out: Path,
    engine: Engine | None,
    validate: Validation | None,
    *,
    resume: bool,
    quiet: bool,
    more: Mapping[str, Any] | None = None,
    about: Mapping[str, str] | None = None,
) -> Fitted:
    """Train what is prepared and keep what was learned.

    `more` is part of what the run is: one with another cannot be continued. `about` is told beside it.
    """
    settings = {"method": method, **to_json(recipe), **(more or {})}
    outcome = train(
        prepared.method,
        data,
        prepared.stages,
        out,
        seed=recipe.seed,
        engine=engine,
        recipe=settings,
        resume=resume,
        validate=validate,
        quiet=quiet,
    )
    if processes().first:
        _write(out / "recipe.json", {"start": prepared.start, **(about or {}), **settings})
        known = {"persons": data.persons.tolist(), "cameras": data.records.cameras.tolist()}
        _write(out / "persons.json", known)
        keep(out / FINAL, prepared, outcome.final)
        if outcome.best is not None:
            keep(out / BEST, prepared, outcome.best)
    best = out / BEST if outcome.best is not None else None
    return Fitted(outcome, prepared.start, out / FINAL, best)


def keep(folder: Path, prepared: Prepared, weights: Path) -> None:
    """Write the network among the weights of a method, and its artifacts, into a folder of their own."""
    state = load_file(weights)
    for name, tensors in prepared.artifacts.items():
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / name) as file:
            file.write(tensor_bytes({short: state[long] for short, long in tensors.items()}))
    if prepared.tokenizer is not None:
        folder.mkdir(parents=True, exist_ok=True)
        prepared.tokenizer.save(folder / TOKENIZER)
    network = {name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)}
    save_network(folder, prepared.card, network)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write((json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode())
