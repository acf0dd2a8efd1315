"""`glimpse ladder`: several methods or recipes, several seeds, one table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.choices import Precision, Size
from glimpse.cli.options import (
    CheckpointSteps,
    CompileWith,
    Device,
    PassPrecision,
    Threads,
    engine_of,
    read_source,
)
from glimpse.recipes.presets import Preset

if TYPE_CHECKING:
    from glimpse.datasets import Dataset


def ladder(
    rungs: Annotated[
        list[str],
        typer.Option(
            "--rung",
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
    seeds: Annotated[str, typer.Option(help="Of the training runs of each rung.")] = "0,1,2",
    baselines: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="RETRIEVER", help="Measured once, for comparison, as colours is."),
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
    precision: PassPrecision = Precision.FLOAT32,
    compile_with: CompileWith = None,
    checkpoint_steps: CheckpointSteps = None,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Train every rung with every seed, measure all networks on test rows, and write one table.

    Runs that are finished are kept, and a killed ladder goes on with the same command.

    Example: glimpse ladder --data market1501:worlds/market --rung plain=bot --rung ibn=bot:ibn=true
    --seeds 0,1,2 --baseline colours --out ladders/ibn
    """
    from glimpse.ablation.arms import check_rungs, data_names, parse_baseline, parse_rung, parse_seeds
    from glimpse.ablation.run import Plan, climb
    from glimpse.ablation.table import About
    from glimpse.datasets.catalog import parse_source
    from glimpse.progress import terminal_bar
    from glimpse.runtime import hardware
    from glimpse.training.run_record import git_commit

    climbed = [*map(parse_rung, rungs), *map(parse_baseline, baselines or [])]
    check_rungs(climbed)
    numbers = parse_seeds(seeds)
    _alone()
    sources = {text: parse_source(text) for text in (*data, train or data[0])}
    datasets = _read(sources, options or [])
    given = {(layout, str(folder)): text for text, (layout, folder) in sources.items()}
    names = data_names((layout, str(folder)) for layout, folder in map(parse_source, data))
    trains = any(rung.trained for rung in climbed)
    plan = Plan(
        rungs=climbed,
        seeds=numbers,
        train=datasets[train or data[0]] if trains else None,
        tests={name: datasets[given[source]] for name, source in names.items()},
        preset=preset,
        size=size,
        engine=engine_of(device, precision, compile_with, checkpoint_steps, threads),
    )
    about = About(
        command=shlex.join(["glimpse", *sys.argv[1:]]),
        commit=git_commit(Path(__file__).parents[1]),
        hardware=hardware(),
        seeds=numbers,
        trained_on=(train or data[0]) if trains else None,
        data=names,
        rungs={rung.name: str(rung) for rung in climbed},
    )
    climb(plan, out, about, say=_say, progress=terminal_bar, quiet=False)
    typer.echo((out / ("ladder.json" if as_json else "ladder.md")).read_text(encoding="utf-8"), nl=False)


def _alone() -> None:
    """Refuse torchrun: its processes would all write the table."""
    import os

    from glimpse.errors import OptionError

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("a ladder runs in one process: train its rungs with torchrun and glimpse train")


def _read(sources: dict[str, tuple[str, Path]], options: list[str]) -> dict[str, Dataset]:
    """Each data set once; an option goes to the readers that have it, and must be known to one."""
    import inspect

    from glimpse.datasets import reader
    from glimpse.errors import OptionError

    known = {text: set(inspect.signature(reader(name)).parameters) for text, (name, _) in sources.items()}
    for option in options:
        if not any(_key(option) in keys for keys in known.values()):
            raise OptionError(f"no data set of this ladder has the option {option.partition('=')[0]!r}")
    return {
        text: read_source(text, [option for option in options if _key(option) in known[text]])
        for text in sources
    }


def _key(option: str) -> str:
    return option.partition("=")[0].strip().replace("-", "_")


def _say(line: str) -> None:
    typer.echo(line, err=True)
