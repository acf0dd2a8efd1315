"""Training and measuring every rung with every seed, in a folder that a killed ladder goes on in.

out/
  ladder.json, ladder.md          the table so far, renewed after each run
  pixels/                         prepared pixels, shared by all runs
  runs/RUNG/seed-0/               a training run (`glimpse.methods.fit`), and
  runs/RUNG/seed-0/results/       what its networks measured: final/DATA/PROTOCOL.json; best/ if it is another
  runs/RUNG/results/              of a retriever that is not trained
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glimpse.ablation.arms import Rung
from glimpse.ablation.results_cache import Results, measured, retriever_fingerprint
from glimpse.ablation.summary import BEST, FINAL, UNTRAINED, Measurement, Row, ladder_rows, measurement
from glimpse.ablation.table import About, ladder_json, ladder_markdown
from glimpse.choices import Size
from glimpse.datasets import Dataset
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.files import atomic_write, locked, printable, storage_error
from glimpse.methods.fit import finished_run, fit
from glimpse.progress import Progress, silent
from glimpse.recipes.presets import Preset, preset_recipe
from glimpse.recipes.registry import trained_methods
from glimpse.retriever.folder import find
from glimpse.runtime import torch_device
from glimpse.training.engine import Engine
from glimpse.training.run_record import read_run
from glimpse.training.stage_run import RUN_FILE


@dataclass(frozen=True, eq=False)
class Plan:
    """A ladder.

    Attributes:
        rungs: from the bottom up; gains are counted from the first.
        seeds: of the training runs.
        train: what is trained on; None if no rung is trained.
        tests: what is measured on, by name.
        preset: where recipes start.
        size: of the encoders, or None for the preset's.
        engine: how runs are executed.
    """

    rungs: Sequence[Rung]
    seeds: Sequence[int]
    train: Dataset | None
    tests: Mapping[str, Dataset]
    preset: Preset = Preset.WORLD
    size: Size | None = None
    engine: Engine = field(default_factory=Engine)


def climb(
    plan: Plan,
    out: Path,
    about: About,
    *,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress = silent,
    quiet: bool = True,
) -> list[Row]:
    """Do whatever of a ladder is not done yet, and write its table.

    Args:
        plan: the ladder.
        out: its folder.
        about: is written above the table.
        cache: the folder of prepared pixels, which several ladders may share; within `out` if not given.
        say: told what begins.
        progress: shows the preparation of pixels and the embedding.
        quiet: show no progress of training.

    Returns:
        The table's rows.
    """
    recipes = _recipes(plan)
    first = plan.rungs[0].name
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(out, error) from error
    rows: list[Row] = []
    found: list[Measurement] = []
    with locked(out / ".lock", wait=False):
        for rung in plan.rungs:
            for more in _climb_rung(plan, rung, recipes, out, cache or out / "pixels", say, progress, quiet):
                found += more
                rows = ladder_rows(found, first)
                _write(out, about, rows, first, _runs(plan, out))
    return rows


def _recipes(plan: Plan) -> dict[tuple[str, int], Any]:
    """Every recipe, before anything is trained: a mistake in the last rung must not show after days."""
    for rung in plan.rungs:
        if not rung.trained:
            _must_be_there(rung)
    trained = [rung for rung in plan.rungs if rung.trained]
    if trained and (plan.train is None or not len(plan.train.train)):
        raise OptionError("the data set to train on has no training rows: name another one with --train")
    return {
        (rung.name, seed): preset_recipe(
            rung.made_of, plan.preset, plan.size, (*rung.settings, f"seed={seed}")
        )
        for rung in trained
        for seed in plan.seeds
    }


def _must_be_there(rung: Rung) -> None:
    try:
        find(rung.made_of)
    except StorageError as error:
        raise OptionError(
            f"the rung {rung.name} is neither a method ({', '.join(trained_methods())}) nor a retriever: "
            f"{error}"
        ) from error


def _climb_rung(
    plan: Plan,
    rung: Rung,
    recipes: Mapping[tuple[str, int], Any],
    out: Path,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
    quiet: bool,
) -> Iterator[list[Measurement]]:
    """The measurements of each run."""
    device = str(torch_device(plan.engine.device))
    if not rung.trained:
        say(f"{rung.name}: measuring")
        kept_in = out / "runs" / rung.name / "results"
        results = measured(rung.made_of, plan.tests, kept_in, device=device, progress=progress)
        yield _kept_of(rung, UNTRAINED, None, results)
        return
    for seed in plan.seeds:
        run = run_folder(out, rung, seed)
        networks = _trained(plan, rung, recipes[rung.name, seed], run, cache, say, progress, quiet)
        say(f"{rung.name}, seed {seed}: measuring")
        kept: list[Measurement] = []
        by_weights: dict[str, Results] = {}
        for name, network in networks.items():
            weights = retriever_fingerprint(network)
            if weights not in by_weights:  # the last epoch may have been the best one
                by_weights[weights] = measured(
                    network, plan.tests, run / "results" / name, device=device, progress=progress
                )
            kept += _kept_of(rung, name, seed, by_weights[weights])
        yield kept


def _trained(
    plan: Plan,
    rung: Rung,
    recipe: Any,
    run: Path,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
    quiet: bool,
) -> dict[str, Path]:
    """The networks of a run, which is trained if it is not finished."""
    assert plan.train is not None  # checked with the recipes
    rows, validation = plan.train.train, plan.train.validation
    try:
        if finished_run(rung.made_of, recipe, rows, run, plan.engine, validation=validation):
            say(f"{rung.name}, {run.name}: trained before")
        else:
            say(f"{rung.name}, {run.name}: training")
            engine = replace(plan.engine, validate_every=recipe.validation.every)
            fit(
                rung.made_of,
                recipe,
                rows,
                run,
                validation=validation,
                cache=cache,
                engine=engine,
                resume=True,
                progress=progress,
                quiet=quiet,
            )
    except TrainingError as error:
        raise TrainingError(f"rung {rung.name} in {printable(run)}: {error}") from error
    networks = {FINAL: run / FINAL, BEST: run / BEST}
    return {name: folder for name, folder in networks.items() if folder.is_dir()}


def _kept_of(rung: Rung, network: str, seed: int | None, results: Results) -> list[Measurement]:
    return [
        measurement(rung.name, network, seed, data, result)
        for data, by_protocol in results.items()
        for result in by_protocol.values()
    ]


def _runs(plan: Plan, out: Path) -> dict[str, dict[str, Any]]:
    """When and from which commit each run was made: a ladder may have been climbed in several goes."""
    paths = {
        f"{rung.name}/seed-{seed}": run_folder(out, rung, seed) / RUN_FILE
        for rung in plan.rungs
        if rung.trained
        for seed in plan.seeds
    }
    records = {name: read_run(path) for name, path in paths.items() if path.is_file()}
    kept = ("commit", "started", "finished", "seconds")
    return {name: {key: record.get(key) for key in kept} for name, record in records.items()}


def run_folder(out: Path, rung: Rung, seed: int) -> Path:
    """Where the run of a rung with a seed is, in the folder of a ladder."""
    return out / "runs" / rung.name / f"seed-{seed}"


def _write(out: Path, about: About, rows: Sequence[Row], first: str, runs: Mapping[str, Any]) -> None:
    values = {**ladder_json(about, rows, first), "runs": runs}
    held = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    for name, text in (("ladder.json", held + "\n"), ("ladder.md", ladder_markdown(about, rows, first))):
        with atomic_write(out / name) as file:
            file.write(text.encode())
