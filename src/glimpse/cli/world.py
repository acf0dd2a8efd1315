"""`glimpse world`: render a procedural world, and look at one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glimpse.cli.options import resumable
from glimpse.ranges import LARGEST_SEED

app = typer.Typer(
    help="Procedural pedestrians with ground truth.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
@resumable("the same command")
def make(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder, or one that a killed run left.")],
    layout: Annotated[
        str, typer.Option(help="Published layout to write, such as occluded_duke.")
    ] = "market1501",
    scale: Annotated[
        str, typer.Option(help="tiny (seconds), small (a minute), bench (minutes), large (100,000 images).")
    ] = "small",
    people: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="People of all splits together, instead of the scale's."),
    ] = None,
    images_per_person: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Images of each person, instead of the scale's.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="The same seed and options give the same bytes.")
    ] = 0,
    hardness: Annotated[
        float, typer.Option(min=0, max=1, help="0 to 1: look-alikes, and cameras that disagree about colors.")
    ] = 0.5,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Image size in pixels, by default 128x64.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Render pedestrians in a published layout, with the ground truth beside them.

    A killed run is continued by the same command. The folder is then read like the real data set.

    Example: glimpse world make worlds/duke --layout occluded_duke --people 60 --images-per-person 8
    """
    import json
    from dataclasses import asdict

    from glimpse.datasets.counts import world_counts
    from glimpse.files import printable
    from glimpse.progress import terminal_bar
    from glimpse.world.export import export_world, parse_shape

    shape = None if size is None else parse_shape(size)
    options = export_world(
        layout,
        folder,
        scale=scale,
        seed=seed,
        people=people,
        images_per_person=images_per_person,
        hardness=hardness,
        shape=shape,
        progress=terminal_bar,
    )
    counts = world_counts(folder) or {}
    if as_json:
        rows = {part: [count.persons, count.rows] for part, count in counts.items()}
        typer.echo(json.dumps({"folder": str(folder), **asdict(options), "counts": rows}, indent=2))
        return
    typer.echo(f"{printable(folder)}: {options.layout}, seed {options.seed}")
    for part, count in counts.items():
        typer.echo(f"  {part}: {count}")


@app.command()
def show(
    out: Annotated[Path, typer.Option(help="Where to write: a name that ends in .png, .jpg or .html.")],
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="The same seed gives the same world.")
    ] = 0,
    people: Annotated[
        int, typer.Option(min=1, max=1000, help="How many people the sheet shows, one per row.")
    ] = 8,
    cameras: Annotated[int, typer.Option(min=1, max=200, help="How many cameras the world has.")] = 6,
    hardness: Annotated[
        float, typer.Option(min=0, max=1, help="0 to 1: look-alikes, and cameras that disagree about colors.")
    ] = 0.5,
    height: Annotated[
        int, typer.Option(min=32, max=1024, help="Height of each image in pixels; half as wide.")
    ] = 192,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Render a contact sheet: people down, kinds and bands across.

    Example: glimpse world show --seed 7 --out sheet.html
    """
    import json

    from glimpse.errors import OptionError
    from glimpse.files import atomic_write
    from glimpse.progress import terminal_bar
    from glimpse.world.sheet import WRITERS, sheet_rows
    from glimpse.world.world import World

    writer = WRITERS.get(out.suffix.lower())
    if writer is None:
        raise OptionError(f"a sheet's name ends in one of {', '.join(WRITERS)}, got {out.name}")
    world = World(seed, people=4 * people, cameras=cameras, hardness=hardness)
    rows = []
    with terminal_bar("rendering", people) as advance, atomic_write(out) as file:
        for row in sheet_rows(world, people, (height, height // 2)):
            rows.append(row)
            advance(1)
        file.write(writer(rows, world))
    if as_json:
        told = {"seed": seed, "people": people, "cameras": cameras, "hardness": hardness, "height": height}
        typer.echo(json.dumps({"sheet": str(out), **told}, indent=2, ensure_ascii=False))
