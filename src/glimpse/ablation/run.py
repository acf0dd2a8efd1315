"""Training and measuring every arm with every seed, in a folder that a killed ablation goes on in.

out/
  ablation.json, ablation.md          the table so far, renewed after each run
  pixels/                         prepared pixels, shared by all runs
  runs/ARM/seed-0/               a training run (`glimpse.methods.fit`), and
  runs/ARM/seed-0/results/       what its networks measured: final/DATA/PROTOCOL.json; best/ if it is another
  runs/ARM/results/              of a retriever that is not trained
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glimpse.ablation.arms import Arm
from glimpse.ablation.results_cache import Results, measured, retriever_fingerprint, tested
from glimpse.ablation.summary import BEST, FINAL, UNTRAINED, Measurement, Row, ablation_rows, measurement
from glimpse.ablation.table import About, ablation_json, ablation_markdown
from glimpse.choices import Size
from glimpse.datasets import Dataset
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.files import atomic_write, begin_folder, check_folder, locked, printable
from glimpse.methods.checks import checked
from glimpse.methods.fit import finished_run, fit
from glimpse.methods.rows import can_answer, trained_images
from glimpse.methods.validation import check_answers
from glimpse.models.pretrained import start_of
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.recipes.presets import Preset, preset_recipe
from glimpse.recipes.registry import trained_methods
from glimpse.records import Records
from glimpse.retriever.folder import find
from glimpse.runtime import torch_device
from glimpse.training.engine import Engine
from glimpse.training.run_record import read_run
from glimpse.training.stage_run import RUN_FILE


@dataclass(frozen=True, eq=False)
class Plan:
    """An ablation.

    Attributes:
        arms: from the bottom up; gains are counted from the first.
        seeds: of the training runs.
        train: what is trained on; None if no arm is trained.
        tests: what is measured on, by name.
        preset: where recipes start.
        size: of the encoders, or None for the preset's.
        engine: how runs are executed.
    """

    arms: Sequence[Arm]
    seeds: Sequence[int]
    train: Dataset | None
    tests: Mapping[str, Dataset]
    preset: Preset = Preset.WORLD
    size: Size | None = None
    engine: Engine = field(default_factory=Engine)


def run_ablation(
    plan: Plan,
    out: Path,
    about: About,
    *,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress = silent,
    quiet: bool = True,
) -> list[Row]:
    """Do whatever of an ablation is not done yet, and write its table.

    Args:
        plan: the ablation.
        out: its folder.
        about: is written above the table.
        cache: the folder of prepared pixels, which several ablations may share; within `out` if not given.
        say: told what begins.
        progress: shows the preparation of pixels and the embedding.
        quiet: show no progress of training.

    Returns:
        The table's rows.
    """
    check_folder(out, "an ablation", resume=True)
    recipes = _recipes(plan, out)
    first = plan.arms[0].name
    begin_folder(out, "an ablation", resume=True)
    rows: list[Row] = []
    found: list[Measurement] = []
    with locked(out / ".lock", wait=False):
        for arm in plan.arms:
            for more in _run_arm(plan, arm, recipes, out, cache or out / "pixels", say, progress, quiet):
                found += more
                rows = ablation_rows(found, first)
                _write(out, about, rows, first, _runs(plan, out))
    return rows


def _recipes(plan: Plan, out: Path) -> dict[tuple[str, int], Any]:
    """Every recipe, before anything is trained: a mistake in the last arm must not show after days."""
    for arm in plan.arms:
        if not arm.trained:
            _must_be_there(arm)
    for name, dataset in plan.tests.items():
        for protocol in tested(dataset):
            check_answers(protocol, f": {name} cannot be measured on", what=f"protocol {protocol.name}")
    trained = [arm for arm in plan.arms if arm.trained]
    if trained and (plan.train is None or not len(plan.train.train)):
        raise OptionError("the data set to train on has no training rows: name another one with --train")
    recipes = {
        (arm.name, seed): preset_recipe(arm.made_of, plan.preset, plan.size, (*arm.settings, f"seed={seed}"))
        for arm in trained
        for seed in plan.seeds
    }
    for arm in trained:
        for name, dataset in plan.tests.items():
            if not all(can_answer(arm.made_of, protocol) for protocol in tested(dataset)):
                raise OptionError(
                    f"the arm {arm.name} cannot be measured on {name}: its queries are captions, which "
                    f"{arm.made_of} does not read"
                )
            assert plan.train is not None  # checked above
            for protocol in tested(dataset):
                count = trained_images(plan.train.train, protocol)
                if count:
                    raise OptionError(
                        f"{count:,} images of query and gallery of {name} are trained on: divide its rows "
                        "into train, query and gallery, or name other data to train on with --train"
                    )
        for seed in plan.seeds:
            assert plan.train is not None  # checked above
            if not (run_folder(out, arm, seed) / FINAL).is_dir():
                start_of(recipes[arm.name, seed])
                checked(arm.made_of, recipes[arm.name, seed], *_learned_from(plan.train))
    return recipes


def _learned_from(train: Dataset) -> tuple[Records, Records | Protocol, Protocol | None]:
    """What `fit` is given of a data set: rows, what chooses the best epoch, what validation is like."""
    return train.train, train.model_selection, train.protocol() if train.protocols else None


def _must_be_there(arm: Arm) -> None:
    try:
        find(arm.made_of)
    except StorageError as error:
        raise OptionError(
            f"the arm {arm.name} is neither a method ({', '.join(trained_methods())}) nor a retriever: "
            f"{error}"
        ) from error


def _run_arm(
    plan: Plan,
    arm: Arm,
    recipes: Mapping[tuple[str, int], Any],
    out: Path,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
    quiet: bool,
) -> Iterator[list[Measurement]]:
    """The measurements of each run."""
    device = str(torch_device(plan.engine.device))
    if not arm.trained:
        say(f"{arm.name}: measuring")
        kept_in = out / "runs" / arm.name / "results"
        results = measured(arm.made_of, plan.tests, kept_in, device=device, progress=progress)
        yield _cached_of(arm, UNTRAINED, None, results)
        return
    for seed in plan.seeds:
        run = run_folder(out, arm, seed)
        networks = _trained(plan, arm, recipes[arm.name, seed], run, cache, say, progress, quiet)
        say(f"{arm.name}, seed {seed}: measuring")
        kept: list[Measurement] = []
        by_weights: dict[str, Results] = {}
        for name, network in networks.items():
            weights = retriever_fingerprint(network)
            if weights not in by_weights:  # the last epoch may have been the best one
                by_weights[weights] = measured(
                    network, plan.tests, run / "results" / name, device=device, progress=progress
                )
            kept += _cached_of(arm, name, seed, by_weights[weights])
        yield kept


def _trained(
    plan: Plan,
    arm: Arm,
    recipe: Any,
    run: Path,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
    quiet: bool,
) -> dict[str, Path]:
    """The networks of a run, which is trained if it is not finished."""
    assert plan.train is not None  # checked with the recipes
    rows, validation, like = _learned_from(plan.train)
    try:
        if finished_run(arm.made_of, recipe, rows, run, plan.engine, validation=validation):
            say(f"{arm.name}, {run.name}: trained before")
        else:
            say(f"{arm.name}, {run.name}: training")
            engine = replace(plan.engine, validate_every=recipe.validation.every)
            fit(
                arm.made_of,
                recipe,
                rows,
                run,
                validation=validation,
                like=like,
                cache=cache,
                engine=engine,
                resume=True,
                progress=progress,
                quiet=quiet,
            )
    except TrainingError as error:
        raise TrainingError(f"arm {arm.name} in {printable(run)}: {error}") from error
    networks = {FINAL: run / FINAL, BEST: run / BEST}
    return {name: folder for name, folder in networks.items() if folder.is_dir()}


def _cached_of(arm: Arm, network: str, seed: int | None, results: Results) -> list[Measurement]:
    return [
        measurement(arm.name, network, seed, data, result)
        for data, by_protocol in results.items()
        for result in by_protocol.values()
    ]


def _runs(plan: Plan, out: Path) -> dict[str, dict[str, Any]]:
    """When and from which commit each run was made: an ablation may have been run in several goes."""
    paths = {
        f"{arm.name}/seed-{seed}": run_folder(out, arm, seed) / RUN_FILE
        for arm in plan.arms
        if arm.trained
        for seed in plan.seeds
    }
    records = {name: read_run(path) for name, path in paths.items() if path.is_file()}
    kept = ("commit", "started", "finished", "seconds")
    return {name: {key: record.get(key) for key in kept} for name, record in records.items()}


def run_folder(out: Path, arm: Arm, seed: int) -> Path:
    """Where the run of an arm with a seed is, in the folder of an ablation."""
    return out / "runs" / arm.name / f"seed-{seed}"


def _write(out: Path, about: About, rows: Sequence[Row], first: str, runs: Mapping[str, Any]) -> None:
    values = {**ablation_json(about, rows, first), "runs": runs}
    held = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    for name, text in (
        ("ablation.json", held + "\n"),
        ("ablation.md", ablation_markdown(about, rows, first)),
    ):
        with atomic_write(out / name) as file:
            file.write(text.encode())
