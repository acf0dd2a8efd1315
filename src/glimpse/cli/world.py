"""`glimpse world`: look at a procedural world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glimpse.cli.world_make import make

app = typer.Typer(
    help="Procedural pedestrians with ground truth.", no_args_is_help=True, rich_markup_mode=None
)
app.command()(make)


@app.command()
def show(
    out: Annotated[Path, typer.Option(help="Where to write: a name that ends in .png, .jpg or .html.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 0,
    people: Annotated[int, typer.Option(help="How many people the sheet shows, one per row.")] = 8,
    cameras: Annotated[int, typer.Option(help="How many cameras the world has.")] = 6,
    hardness: Annotated[
        float, typer.Option(help="0 to 1: look-alikes, and cameras that disagree about colours.")
    ] = 0.5,
    height: Annotated[int, typer.Option(help="Height of each picture in pixels; half as wide.")] = 192,
) -> None:
    """Render a contact sheet: people down, kinds and bands across.

    Example: glimpse world show --seed 7 --out sheet.html
    """
    from glimpse.errors import OptionError
    from glimpse.files import atomic_write
    from glimpse.progress import terminal_bar
    from glimpse.world.sheet import WRITERS, sheet_rows
    from glimpse.world.world import World

    writer = WRITERS.get(out.suffix.lower())
    if writer is None:
        raise OptionError(f"a sheet's name ends in one of {', '.join(WRITERS)}, got {out.name}")
    if people < 1:
        raise OptionError(f"a sheet shows at least one person, got {people}")
    world = World(seed, people=4 * people, cameras=cameras, hardness=hardness)
    rows = []
    with terminal_bar("rendering", people) as advance, atomic_write(out) as file:
        for row in sheet_rows(world, people, (height, height // 2)):
            rows.append(row)
            advance(1)
        file.write(writer(rows, world))
