"""`glimpse ablation`: several methods or recipes, several seeds, one table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.choices import Dtype, Size
from glimpse.cli.options import (
    CheckpointSteps,
    CompileWith,
    Device,
    PassDtype,
    Threads,
    engine_of,
    read_source,
    resumable,
)
from glimpse.recipes.presets import Preset

if TYPE_CHECKING:
    from glimpse.datasets import Dataset


@resumable("the same command")
def ablation(
    arms: Annotated[
        list[str],
        typer.Option(
            "--arm",
            metavar="NAME=METHOD[:KEY=VALUE,...]",
            help="A method, with keys of its recipe, or a retriever; gains are counted from the first.",
        ),
    ],
    data: Annotated[
        list[str],
        typer.Option("--data", metavar="NAME:DIR", help="A data set to measure on; may be given again."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder for runs and table.")],
    train: Annotated[
        str | None,
        typer.Option("--train", metavar="NAME:DIR", help="What is trained on; the first --data if left out."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Of the training runs of each arm.")] = "0,1,2",
    baselines: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="RETRIEVER", help="Measured once, for comparison, as colors is."),
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="Recipes as published, or for the rendered world on a CPU.")
    ] = Preset.WORLD,
    size: Annotated[
        Size | None, typer.Option(help="Of the encoders; micro in the world, base as published.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--reader",
            metavar="KEY=VALUE",
            help="An option of the data sets' readers, for those that have it.",
        ),
    ] = None,
    device: Device = "auto",
    dtype: PassDtype = Dtype.FLOAT32,
    compile_with: CompileWith = None,
    checkpoint_steps: CheckpointSteps = None,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Train every arm with every seed, measure all networks on test rows, and write one table.

    Runs that are finished are kept, and a killed ablation goes on with the same command.

    Example: glimpse ablation --data market1501:worlds/market --arm plain=bot --arm ibn=bot:ibn=true
    --seeds 0,1,2 --baseline colors --out ablations/ibn
    """
    from glimpse.ablation.arms import check_arms, data_names, parse_arm, parse_baseline, parse_seeds
    from glimpse.ablation.run import Plan, run_ablation
    from glimpse.ablation.table import About
    from glimpse.datasets.catalog import parse_source
    from glimpse.files import check_apart
    from glimpse.progress import terminal_bar
    from glimpse.recipes.registry import broken_methods
    from glimpse.runtime import hardware
    from glimpse.training.run_record import git_commit

    for sentence in broken_methods().values():
        typer.echo(sentence, err=True)
    run = [*map(parse_arm, arms), *map(parse_baseline, baselines or [])]
    check_arms(run)
    numbers = parse_seeds(seeds)
    _alone()
    sources = {text: parse_source(text) for text in (*data, train or data[0])}
    datasets = _read(sources, options or [])
    for dataset in datasets.values():
        check_apart(out, dataset.root)
    given = {(layout, str(folder)): text for text, (layout, folder) in sources.items()}
    names = data_names((layout, str(folder)) for layout, folder in map(parse_source, data))
    trains = any(arm.trained for arm in run)
    plan = Plan(
        arms=run,
        seeds=numbers,
        train=datasets[train or data[0]] if trains else None,
        tests={name: datasets[given[source]] for name, source in names.items()},
        preset=preset,
        size=size,
        engine=engine_of(device, dtype, compile_with, checkpoint_steps, threads),
    )
    about = About(
        command=shlex.join(["glimpse", *sys.argv[1:]]),
        commit=git_commit(Path(__file__).parents[1]),
        hardware=hardware(),
        seeds=numbers,
        trained_on=(train or data[0]) if trains else None,
        data=names,
        arms={arm.name: str(arm) for arm in run},
    )
    run_ablation(plan, out, about, say=_say, progress=terminal_bar, quiet=False)
    typer.echo((out / ("ablation.json" if as_json else "ablation.md")).read_text(encoding="utf-8"), nl=False)


def _alone() -> None:
    """Refuse torchrun: its processes would all write the table."""
    import os

    from glimpse.errors import OptionError

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("an ablation runs in one process: train its arms with torchrun and glimpse train")


def _read(sources: dict[str, tuple[str, Path]], options: list[str]) -> dict[str, Dataset]:
    """Each data set once; an option goes to the readers that have it, and must be known to one."""
    import inspect

    from glimpse.datasets import reader
    from glimpse.errors import OptionError

    known = {text: set(inspect.signature(reader(name)).parameters) for text, (name, _) in sources.items()}
    for option in options:
        if not any(_key(option) in keys for keys in known.values()):
            raise OptionError(f"no data set of this ablation has the option {option.partition('=')[0]!r}")
    return {
        text: read_source(text, [option for option in options if _key(option) in known[text]])
        for text in sources
    }


def _key(option: str) -> str:
    return option.partition("=")[0].strip().replace("-", "_")


def _say(line: str) -> None:
    typer.echo(line, err=True)
