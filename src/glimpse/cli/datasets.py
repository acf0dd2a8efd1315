"""`glimpse datasets`: what layouts are read; parse one and compare its counts with the published ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glimpse.datasets import Dataset

app = typer.Typer(
    help="The layouts that are read, and checks of a folder against one.", rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]


@app.callback(invoke_without_command=True)
def layouts(context: typer.Context, as_json: AsJson = False) -> None:
    """List the layouts that are read, with their published counts.

    Example: glimpse datasets
    """
    if context.invoked_subcommand is not None:
        return
    from glimpse.datasets import LAYOUTS

    if as_json:
        table = [
            {
                "name": layout.name,
                "title": layout.title,
                "task": layout.task,
                "tree": layout.tree,
                "grants": layout.grants,
                "withdrawn": layout.withdrawn,
                "rendered": layout.rendered,
                "splits": list(layout.splits),
                "published": {part: [c.persons, c.rows] for part, c in layout.published.items()},
            }
            for layout in LAYOUTS
        ]
        typer.echo(json.dumps(table, indent=2, ensure_ascii=False))
        return
    rows = [("name", "data set", "task", "published: persons / rows", "to be had")]
    for layout in LAYOUTS:
        parts = [f"{part}: {count}" for part, count in layout.published.items()] or ["-"]
        note = "withdrawn: your own copy only" if layout.withdrawn else "on request"
        if layout.task == "your own":
            note = "yours"
        rows.append((layout.name, layout.title, layout.task, parts[0], note))
        rows += [("", "", "", part, "") for part in parts[1:]]
    _print_table(rows)
    typer.echo("\nNothing is downloaded. Check a folder with: glimpse datasets check NAME:DIR")


@app.command()
def check(
    source: Annotated[str, typer.Argument(metavar="NAME:DIR", help="A layout and the folder that holds it.")],
    options: Annotated[
        list[str] | None,
        typer.Option("--reader", metavar="KEY=VALUE", help="An option of the reader, like split=3."),
    ] = None,
    decode: Annotated[bool, typer.Option("--decode", help="Also decode every image.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a folder and compare its counts with the published ones; exits with 1 if there are problems.

    Example: glimpse datasets check market1501:data/Market-1501-v15.09.15
    """
    import warnings

    from glimpse.datasets import DatasetWarning, part_counts, reader
    from glimpse.datasets.catalog import parse_source
    from glimpse.files import printable
    from glimpse.options import typed_options

    name, root = parse_source(source)
    read = reader(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        dataset = read(root, **typed_options(read, options or []))
    found = part_counts(dataset.train, dataset.protocols)
    protocols: list[dict[str, Any]] = []
    for protocol in dataset.protocols.values():
        first = protocol.validity()[0]
        protocols.append(
            {
                "name": protocol.name,
                "trials": len(protocol.trials),
                "valid": first.valid,
                "skipped": first.skipped,
                "note": protocol.note,
            }
        )
    problems = [*dataset.problems, *(_broken(dataset) if decode else [])]
    if as_json:
        report = {
            "layout": dataset.layout.name,
            "root": str(dataset.root),
            "rendered": dataset.rendered,
            "parts": {
                part: {
                    "found": [count.persons, count.rows],
                    "expected": [wanted.persons, wanted.rows]
                    if (wanted := dataset.expected.get(part))
                    else None,
                }
                for part, count in found.items()
            },
            "protocols": protocols,
            "problems": problems,
        }
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
        if problems:
            raise typer.Exit(1)
        return
    typer.echo(printable(f"{dataset.layout.title} in {dataset.root}"))
    source_of_counts = "of the rendered world" if dataset.rendered else "published"
    rows = [("part", "found: persons / rows", source_of_counts)]
    rows += [(part, str(count), str(dataset.expected.get(part, "-"))) for part, count in found.items()]
    _print_table(rows)
    typer.echo("")
    notes = list(dict.fromkeys(p["note"] for p in protocols))
    shared = len(protocols) > 1 and len(notes) == 1  # what holds for all of them is said once
    table = [("protocol", "trials", "valid queries", "skipped", "" if shared else "note")]
    table += [
        (p["name"], str(p["trials"]), f"{p['valid']:,}", f"{p['skipped']:,}", "" if shared else p["note"])
        for p in protocols
    ]
    _print_table(table)
    if shared and notes[0]:
        typer.echo(f"note: {notes[0]}")
    typer.echo("")
    typer.echo("\n".join(printable(f"problem: {problem}") for problem in problems) or "no problems")
    if problems:
        raise typer.Exit(1)


def _broken(dataset: Dataset) -> list[str]:
    """A sentence for each image that cannot be decoded."""
    from concurrent.futures import ThreadPoolExecutor

    from rich.progress import track

    from glimpse.errors import BrokenImageError
    from glimpse.pixels import decode

    tables = [dataset.train, dataset.validation]
    for protocol in dataset.protocols.values():
        tables += [protocol.query, protocol.gallery]
    paths = sorted({path for table in tables for path in table.path.tolist()})

    def problem(path: str) -> str | None:
        try:
            decode(path)
        except BrokenImageError as broken:
            return str(broken)
        return None

    from rich.console import Console

    with ThreadPoolExecutor() as pool:
        results = track(
            pool.map(problem, paths), "decoding", len(paths), console=Console(stderr=True), transient=True
        )
        return [sentence for sentence in results if sentence is not None]


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            typer.echo("  ".join("-" * width for width in widths))
