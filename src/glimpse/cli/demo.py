"""`glimpse demo`: the main job, end to end."""

from __future__ import annotations

import json
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
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Render a world of people who do not exist, search it, measure, and show who was found.

    Example: glimpse demo --out demo
    """
    from glimpse.demo import run_demo
    from glimpse.files import printable

    left = run_demo(folder, scale=scale, seed=seed, say=lambda line: typer.echo(line, err=as_json))
    if as_json:
        measured = {
            name: {"rank1": result.rank_k(1), "map": result.mean_ap} for name, result in left.results.items()
        }
        files = {"world": str(left.world), "image": str(left.image), "page": str(left.page)}
        typer.echo(json.dumps({**files, "results": measured}, indent=2, ensure_ascii=False))
        return
    typer.echo(
        f"\n{left.table}\n\nwho was found: {printable(left.image)}\n"
        f"what the network saw: {printable(left.page)}"
    )
