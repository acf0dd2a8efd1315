"""Occluded people on the rendered world: docs/evidence/occluded.md and .json.

Run with `python -m benchmarks.occluded --work FOLDER`. World, shots, runs and studies are kept in that
folder, so that a killed run goes on with the same command; `--only ARM ...` does some of the arms, in
several processes if asked for, and the page holds what is there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.__main__ import EVIDENCE, ROOT
from benchmarks.occluded.arms import ARMS, arm
from benchmarks.occluded.page import keep_page
from benchmarks.occluded.shots import Shots, taken_again
from benchmarks.occluded.study import Questions, studied, whole_queries
from benchmarks.occluded.summary import DATA, gathered
from glimpse.ablation.arms import Arm, check_arms
from glimpse.ablation.run import Plan, run_ablation, run_folder
from glimpse.ablation.summary import FINAL
from glimpse.ablation.table import About
from glimpse.choices import Dtype, Size
from glimpse.cli.options import engine_of
from glimpse.datasets import Dataset, read
from glimpse.files import locked
from glimpse.recipes.presets import Preset, preset_recipe
from glimpse.recipes.provenance import to_json
from glimpse.records import Records
from glimpse.runtime import hardware
from glimpse.training.run_record import git_commit
from glimpse.world.export import export_world

SEED = 102  # of the world: benchmarks.baselines renders the same one


def main() -> None:
    options = _options()
    folder = options.work.absolute()
    world = folder / "worlds" / DATA
    with _alone(folder):
        if not (world / "glimpse-world.json").is_file():
            _say(f"rendering {DATA}, scale {options.scale}, seed {SEED}")
            export_world(DATA, world, scale=options.scale, seed=SEED)
        _say("the queries' shots again, with less and less visible")
        own, series = taken_again(world, folder / "shots")
    dataset, questions = _asked(read(DATA, world), own, series)
    engine = engine_of(options.device, Dtype.FLOAT32, None, None, options.threads)
    size = Size(options.size)
    made = {name: arm(name, options.epochs) for name in ARMS}
    check_arms(list(made.values()))
    about = About(
        command=_command(options),
        commit=git_commit(ROOT / "src"),
        hardware=hardware(),
        seeds=options.seeds,
        trained_on=f"{DATA}:worlds/{DATA}",
        data={DATA: (DATA, f"worlds/{DATA}")},
        arms={name: str(one) for name, one in made.items()},
    )

    def recorded(name: str, seed: int) -> dict[str, Any]:
        settings = (*made[name].settings, f"seed={seed}")
        recipe = preset_recipe(made[name].made_of, Preset.WORLD, size, settings)
        values: dict[str, Any] = json.loads(json.dumps({"method": made[name].made_of, **to_json(recipe)}))
        return values

    for name in options.only or ARMS:
        out = folder / "arms" / name
        for number, seed in enumerate(options.seeds, 1):
            plan = Plan(
                [made[name]], options.seeds[:number], dataset, {DATA: dataset}, size=size, engine=engine
            )
            run_ablation(plan, out, about, cache=folder / "pixels", say=_say)
            run = run_folder(out, made[name], seed)
            _say(f"{name}, seed {seed}: studying")
            studied(run / FINAL, questions, run / "study.json")
            keep_page(gathered(_folders(folder / "arms", made), recorded), about, world, options.evidence)


def _folders(arms: Path, made: Mapping[str, Arm]) -> dict[str, dict[int, Path]]:
    """All runs that were begun, of any seed."""
    found = {
        name: sorted(run_folder(arms / name, one, 0).parent.glob("seed-*")) for name, one in made.items()
    }
    return {
        name: dict(sorted((int(path.name.removeprefix("seed-")), path) for path in paths))
        for name, paths in found.items()
    }


def _say(line: str) -> None:
    print(line, flush=True)


def _asked(dataset: Dataset, own: Shots, series: Shots) -> tuple[Dataset, Questions]:
    """The data set with whole images as queries too, and all that networks are asked."""
    test = dataset.protocol("test")
    truth = Records.load(dataset.root / "ground_truth" / "records.csv")
    kinds = dict(zip(truth.path.tolist(), truth.kind.tolist(), strict=True))
    whole = whole_queries(test, kinds, dataset.root)
    place = {Path(path).name: row for row, path in enumerate(own.records.path.tolist())}
    order = [place[Path(path).name] for path in test.query.path.tolist()]
    with_whole = replace(dataset, protocols={"test": test, "whole": whole})
    return with_whole, Questions(test, whole, own[order], series)


def _alone(folder: Path) -> AbstractContextManager[int]:
    """One process renders, the others wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    return locked(folder / ".lock", wait=True)


def _command(options: argparse.Namespace) -> str:
    """As it can be given anywhere: without the folders of this machine."""
    seeds = " ".join(map(str, options.seeds))
    words = f"python -m benchmarks.occluded --work FOLDER --seeds {seeds} --size {options.size}"
    words += f" --scale {options.scale}" if options.scale != "bench" else ""
    words += f" --epochs {options.epochs}" if options.epochs else ""
    return words + (f" --threads {options.threads}" if options.threads else "")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.occluded", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of world, shots and runs")
    parser.add_argument("--only", nargs="+", metavar="ARM", choices=list(ARMS), help="some of the arms")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the trainings")
    parser.add_argument("--size", choices=["micro", "tiny"], default="micro")
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, help="of every arm, instead of the recipe's: for a trial")
    parser.add_argument("--scale", default="bench", help="of the world: tiny or small for a trial")
    parser.add_argument(
        "--evidence", type=Path, default=EVIDENCE, help="where the page is written; elsewhere for a trial"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
