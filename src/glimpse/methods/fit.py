"""A whole training run of a method: rows in, a folder with networks out.

out/
  recipe.json           the method, its recipe, what it started from, what its masks and part labels rest on
  persons.json          what label and camera numbers stand for
  run.json, metrics.jsonl, checkpoints/, final.safetensors, best.safetensors    (`glimpse.training.loop`)
  final/, best/         the network after the last epoch and after the best one (`glimpse.models.storage`),
                        with what else the method learned, its tokenizer, and what it fitted to the training
                        rows at the end (`glimpse.retriever.finish`); each can be loaded as a retriever
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from glimpse.errors import TrainingError
from glimpse.files import atomic_write, begin_folder, check_folder
from glimpse.methods.checks import checked, checked_protocol, divided
from glimpse.methods.embedding import embed_rows
from glimpse.methods.prepare import NETWORK, EmbeddedRows, Prepared, prepared_from_seed
from glimpse.methods.rows import (
    PixelsOfRows,
    batch_of,
    caption_columns,
    each_image,
    in_words,
    smaller_batches,
    training_data,
)
from glimpse.methods.validation import (
    Validation,
    needed_images,
    protocol_in_words,
    texts_of,
)
from glimpse.models.factory import TextNetwork, build_network
from glimpse.models.pretrained import start_of
from glimpse.models.storage import CARD, TOKENIZER, save_network
from glimpse.pixels import PixelCache
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.recipes.provenance import to_json
from glimpse.records import Records
from glimpse.retriever.finish import FINISH, Finished, write_finished
from glimpse.runtime import preserved_threads, torch_device
from glimpse.segmentation import MaskSource, PartSource
from glimpse.segmentation.part_labels import mirror_table
from glimpse.segmentation.parts import PART, part_maps, part_source
from glimpse.segmentation.person_maps import mask_source, person_maps
from glimpse.training.augment import MapRule
from glimpse.training.batches import PixelSource, TrainingData
from glimpse.training.checkpoint import tensor_bytes
from glimpse.training.distributed import first_before_others, joined, processes, wait_for_all
from glimpse.training.engine import Engine, torch_settings
from glimpse.training.loop import Outcome, train
from glimpse.training.run_record import check_same_run, fingerprint, read_run
from glimpse.training.seeding import preserved_generators, seed_global_generators
from glimpse.training.stage_run import BEST as BEST_WEIGHTS
from glimpse.training.stage_run import RUN_FILE

FINAL, BEST = "final", "best"
A_RUN = "a training run"
GO_ON = ": resume it (--resume), or train into another folder"


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
    parts: PartSource | None = None,
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
        like: the data set's own test protocol, whose modalities and kinds of images validation takes.
        cache: the folder of prepared pixels; within `out` if not given.
        masks: where the persons of the rows are, if the recipe transfers patches; GrabCut if not given.
        parts: where the persons' parts are, if the recipe learns from part labels.
        engine: how it runs.
        resume: go on from the last checkpoint.
        progress: shows the preparation of pixels.
        quiet: show no progress of training.

    Raises:
        OptionError: if the recipe starts from weights that are not there; before anything is decoded.
    """
    start_of(recipe)  # refused before anything is decoded
    engine = engine or Engine()
    with joined(torch_device(engine.device)):
        # a run that failed before its first step has nothing to lose
        begun = resume or not (out / RUN_FILE).exists()
        check_folder(out, A_RUN, resume=begun, advice=GO_ON)
        learned, held, protocol = checked(method, recipe, rows, validation, like)
        asked_for, recipe = recipe, smaller_batches(recipe, learned)
        wait_for_all()  # before the first process begins the folder, all must have looked
        with first_before_others():
            if processes().first:
                begin_folder(out, A_RUN, resume=begun)
            if recipe is not asked_for and not quiet and processes().first:
                (there, what), (wanted, _) = batch_of(recipe), batch_of(asked_for)
                print(f"batches of {there} {what}, not of {wanted}: there are no more", file=sys.stderr)
            words = in_words(rows, learned)
            if words and not quiet and processes().first:
                print(f"{method} learns from {words}", file=sys.stderr)
            pixels = cache or out / "pixels"
            size = recipe.augment.size
            images = PixelCache.build(learned.path.tolist(), pixels, size=size, progress=progress)
            source = mask_source(recipe, pixels, masks, progress, quiet=quiet)
            shown = each_image(learned)
            maps = person_maps(source, shown, pixels, size, progress)
            teacher = part_source(recipe, parts)
            labels = part_maps(teacher, shown, pixels, size, progress)
            rules = {} if teacher is None else {PART: MapRule(mirror=mirror_table(teacher.names))}
            names = () if teacher is None else tuple(teacher.names)
            data = training_data(learned, images, {**maps, **labels}, rules, names)
            prepared = prepared_from_seed(method, recipe, data)
            if prepared.tokenizer is not None and data.captioned:
                tokens = caption_columns(data.records, prepared.tokenizer)
                data = replace(data, columns={**data.columns, **tokens})
            served = None
            if callable(prepared.finish):
                # a finish must see what queries and galleries will be: training resizes otherwise
                served = PixelCache.build(
                    learned.path.tolist(),
                    pixels,
                    size=size,
                    filter=prepared.card.interpolation,
                    progress=progress,
                )
            validate = None
            if held is not None and protocol is not None:
                tokenizer = prepared.tokenizer if isinstance(prepared.method.network, TextNetwork) else None
                if tokenizer is None and texts_of(protocol):
                    # a method may read, and leave a network that does not
                    protocol = checked_protocol(recipe, held, like, texts=False)
                card, needed = prepared.card, needed_images(held, protocol)
                seen = PixelCache.build(
                    needed.path.tolist(), pixels, size=size, filter=card.interpolation, progress=progress
                )
                validate = Validation(card, needed, seen, protocol, tokenizer)
            about = {} if source is None else {"masks": source.truth}
            about |= {} if teacher is None else {"part_maps": teacher.truth}
            if words:
                about["rows"] = words
            if protocol is not None:
                about["validated_by"] = protocol_in_words(protocol)
        return run(
            prepared,
            method,
            recipe,
            data,
            out,
            engine,
            validate,
            resume=resume,
            quiet=quiet,
            about=about,
            served=served,
        )


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
        TrainingError: if a run with another recipe, on other rows or of another dtype is there.
    """
    if not (out / RUN_FILE).is_file():
        return False
    before = read_run(out / RUN_FILE)
    learned = divided(method, recipe, rows, validation)[0]
    now = {
        "recipe": {"method": method, **to_json(smaller_batches(recipe, learned))},
        "seed": recipe.seed,
        "data": fingerprint(learned),
        "engine": engine.learns_by(),
    }
    check_same_run(before, {**before, **now})
    wanted = [FINAL, *([BEST] if (out / BEST_WEIGHTS).is_file() else [])]
    return before.get("finished") is not None and all((out / name / CARD).is_file() for name in wanted)


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
    served: PixelSource | None = None,
) -> Fitted:
    """Train what is prepared and keep what was learned.

    `more` is part of what the run is: one with another cannot be continued. `about` is told beside it.
    `served` are the training rows as a retriever resizes them, for the method's finish; those of `data` if
    they are the same.
    """
    if isinstance(prepared.method.network, TextNetwork) and prepared.tokenizer is None:
        raise TrainingError(
            f"the network of {method} embeds texts, and there is no tokenizer to save with it"
        )
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
        for name, weights in ((FINAL, outcome.final), (BEST, outcome.best)):
            if weights is not None:
                state = load_file(weights)
                found = finished(
                    prepared, state, data, served or data.pixels, engine or Engine(), recipe.seed
                )
                keep(out / name, prepared, state, found)
    best = out / BEST if outcome.best is not None else None
    return Fitted(outcome, prepared.start, out / FINAL, best)


def finished(
    prepared: Prepared,
    state: Mapping[str, Tensor],
    data: TrainingData,
    pixels: PixelSource | None,
    engine: Engine,
    seed: int,
) -> Finished | None:
    """What the method's finish fits to the training rows, with the network as it will be loaded."""
    if not callable(prepared.finish):
        return prepared.finish
    if pixels is None:
        raise TrainingError("a finish after training needs training rows with pixels")
    with preserved_generators(), preserved_threads(), torch_settings(engine):
        network = build_network(prepared.card)
        network.load_state_dict(network_state(state))
        network.to(torch_device(engine.device)).eval()
        # an image with several captions must not count as several of its person
        records, once = each_image(data.records), PixelsOfRows(pixels, data.first_rows)
        rows = EmbeddedRows(records, embed_rows(network, prepared.card, once, records))
        seed_global_generators(seed)
        return prepared.finish(network, rows)


def network_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the network among those of its method."""
    return {name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)}


def keep(folder: Path, prepared: Prepared, state: Mapping[str, Tensor], found: Finished | None) -> None:
    """Write the network among the weights of a method, and what belongs to it, into a folder of their own.

    The network's card comes last, so that a folder with a card is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in prepared.artifacts.items():
        with atomic_write(folder / name) as file:
            file.write(tensor_bytes({short: state[long] for short, long in tensors.items()}))
    beside = []
    if prepared.tokenizer is not None:
        prepared.tokenizer.save(folder / TOKENIZER)
        beside.append(TOKENIZER)
    if found is None:
        (folder / FINISH).unlink(missing_ok=True)
    else:
        beside += write_finished(folder, found)
    save_network(folder, prepared.card, network_state(state), beside)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write((json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode())
