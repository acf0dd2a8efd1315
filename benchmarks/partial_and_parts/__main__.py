"""Partial and occluded people by sets and by parts: docs/evidence/partial-and-parts.md, .json and .svg.

Run with `python -m benchmarks.partial_and_parts --work FOLDER`. Worlds, runs and studies are kept in that
folder, so that a killed run goes on with the same command; `--only NAME ...` does some of the trainings, in
several processes if asked for, and the page holds what is there. Worlds of a trial must not be those of the
page: give it other `--worlds`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.__main__ import EVIDENCE, ROOT
from benchmarks.occluded.shots import taken_again
from benchmarks.partial_and_parts.arms import TRAINED, Training
from benchmarks.partial_and_parts.page import About, Runs, Trained, keep
from benchmarks.partial_and_parts.study import Question, question, studied, whole_question
from benchmarks.partial_and_parts.teachers import teacher
from glimpse.choices import Size
from glimpse.datasets import Dataset, read
from glimpse.files import locked
from glimpse.methods.checks import divided
from glimpse.methods.fit import FINAL, finished_run, fit
from glimpse.methods.rows import smaller_batches
from glimpse.recipes.presets import Preset, preset_recipe
from glimpse.recipes.provenance import to_json
from glimpse.records import Records
from glimpse.runtime import hardware
from glimpse.training.engine import Engine
from glimpse.training.run_record import git_commit, read_run
from glimpse.training.stage_run import RUN_FILE
from glimpse.world.export import export_world

WORLDS = 311  # the first seed; nothing was ever chosen on worlds of these
LAYOUTS = ("market1501", "partial_reid", "occluded_reid", "occluded_duke")
TRAINED_ON = {"sets": "market1501", "parts": "occluded_duke"}


def main() -> None:
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    folder = options.work.absolute()
    worlds = _rendered(folder, options.worlds, options.scale)
    asked = _questions(worlds)
    with locked(folder / ".lock", wait=True):
        series = taken_again(worlds["occluded_duke"].root, folder / "shots")[1]
    about = About(
        command=_command(options),
        commit=git_commit(ROOT / "src"),
        hardware=hardware(),
        worlds={layout: options.worlds + n for n, layout in enumerate(LAYOUTS)},
    )
    wanted = options.only or [f"{family}/{name}" for family, made in TRAINED.items() for name in made]
    for seed in options.seeds:
        for full in wanted:
            family, name = full.split("/")
            run = folder / "runs" / options.size / family / name / f"seed-{seed}"
            _train(family, name, seed, options.size, options.epochs, worlds, run, folder / "pixels")
            shots = series if _has_stripes(family, name) else None
            studied(run / FINAL, asked[family], _readings(family, name), run / "study.json", shots)
            with locked(folder / ".lock", wait=True):
                keep(options.evidence, about, _gathered(folder / "runs", options.epochs, worlds))


def _rendered(folder: Path, first: int, scale: str) -> dict[str, Dataset]:
    """The layouts, each of a seed of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", wait=True):
        for number, layout in enumerate(LAYOUTS):
            world = folder / "worlds" / layout
            if not (world / "glimpse-world.json").is_file():
                print(f"rendering {layout}, scale {scale}, seed {first + number}", flush=True)
                export_world(layout, world, scale=scale, seed=first + number)
    return {layout: read(layout, folder / "worlds" / layout) for layout in LAYOUTS}


def _questions(worlds: Mapping[str, Dataset]) -> dict[str, list[Question]]:
    occluded = worlds["occluded_duke"]
    return {
        "sets": [
            question("whole", worlds["market1501"], "test"),
            question("partial", worlds["partial_reid"], "partial"),
            question("occluded", worlds["occluded_reid"], "test"),
        ],
        "parts": [question("occluded", occluded, "test"), whole_question(occluded)],
    }


def _train(
    family: str,
    name: str,
    seed: int,
    size: str,
    epochs: int | None,
    worlds: Mapping[str, Dataset],
    run: Path,
    cache: Path,
) -> None:
    training = TRAINED[family][name]
    world = worlds[TRAINED_ON[family]]
    recipe = _recipe(training, seed, size, epochs)
    engine = Engine(validate_every=1000)  # the last epoch counts: nothing is chosen
    if finished_run(training.method, recipe, world.train, run, engine):
        return
    print(f"{family}/{name}, {size}, seed {seed}: training", flush=True)
    parts = teacher(training.teacher, world.root) if training.teacher else None
    fit(
        training.method,
        recipe,
        world.train,
        run,
        cache=cache,
        parts=parts,
        engine=engine,
        resume=run.exists(),
    )


def _recipe(training: Training, seed: int, size: str, epochs: int | None) -> Any:
    settings = (*training.settings, f"seed={seed}", *([f"epochs={epochs}"] if epochs else []))
    return preset_recipe(training.method, Preset.WORLD, Size(size), settings)


def _readings(family: str, name: str) -> tuple[str, ...]:
    made = TRAINED[family][name]
    if made.method == "mos":
        return ("own", "jaccard", "neck")
    has_parts = made.method == "sap" and "proxies=false" not in made.settings
    return ("own", "first", "parts") if has_parts else ("own",)


def _has_stripes(family: str, name: str) -> bool:
    """Whether the parts of a network are equal stripes."""
    made = TRAINED[family][name]
    return made.method == "sap" and not made.teacher and "proxies=false" not in made.settings


def _gathered(runs: Path, epochs: int | None, worlds: Mapping[str, Dataset]) -> Runs:
    """All runs that were trained by today's recipes and studied, by size, family, training and seed."""
    found: dict[str, dict[str, dict[str, dict[int, Trained]]]] = {}
    for kept in sorted(runs.glob("*/*/*/seed-*/study.json")):
        size, family, name, seed = kept.parts[-5:-1]
        number = int(seed.removeprefix("seed-"))
        training = TRAINED[family].get(name)
        record = read_run(kept.parent / RUN_FILE)
        if training is None or record["recipe"] != _as_recorded(
            training, number, size, epochs, worlds[TRAINED_ON[family]].train
        ):
            continue
        trained = Trained(json.loads(kept.read_bytes()), record)
        found.setdefault(size, {}).setdefault(family, {}).setdefault(name, {})[number] = trained
    return found


def _as_recorded(training: Training, seed: int, size: str, epochs: int | None, rows: Records) -> Any:
    recipe = _recipe(training, seed, size, epochs)
    recipe = smaller_batches(recipe, divided(training.method, recipe, rows, None)[0])
    return json.loads(json.dumps({"method": training.method, **to_json(recipe)}))


def _command(options: argparse.Namespace) -> str:
    """As it can be given anywhere: without the folders of this machine."""
    words = "python -m benchmarks.partial_and_parts --work FOLDER"
    words += f" --worlds {options.worlds}" if options.worlds != WORLDS else ""
    words += f" --scale {options.scale}" if options.scale != "bench" else ""
    words += f" --epochs {options.epochs}" if options.epochs else ""
    return words + (f" --threads {options.threads}" if options.threads else "")


def _options() -> argparse.Namespace:
    names = [f"{family}/{name}" for family, made in TRAINED.items() for name in made]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.partial_and_parts", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of worlds, runs and studies")
    parser.add_argument("--only", nargs="+", metavar="FAMILY/NAME", choices=names, help="some trainings")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4], help="of the trainings")
    parser.add_argument("--size", choices=["micro", "tiny"], default="micro")
    parser.add_argument("--worlds", type=int, default=WORLDS, help="the first of the worlds' seeds")
    parser.add_argument("--scale", default="bench", help="of the worlds: tiny or small for a trial")
    parser.add_argument("--epochs", type=int, help="of every training, instead of the recipe's: for a trial")
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument(
        "--evidence", type=Path, default=EVIDENCE, help="where the page is written; elsewhere for a trial"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
