"""`glimpse demo`: the main job, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glimpse.cli.options import resumable
from glimpse.ranges import LARGEST_SEED


@resumable("the same command")
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Where everything is written.")] = Path("demo"),
    scale: Annotated[str, typer.Option(help="Of the world: tiny (seconds) or small (a minute).")] = "small",
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of the world.")] = 0,
) -> None:
    """Render a world of people who do not exist, search it, measure, and show who was found.

    Example: glimpse demo --out demo
    """
    from glimpse.demo import run_demo

    left = run_demo(folder, scale=scale, seed=seed, say=typer.echo)
    typer.echo(f"\n{left.table}\n\nwho was found: {left.image}\nwhat the network saw: {left.page}")
