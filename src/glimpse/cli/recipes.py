"""`glimpse recipes`: the methods that can be trained, and every key of a recipe with its source."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(
    help="The methods that can be trained, and the keys of their recipes.", rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print them as JSON.")]


@app.callback(invoke_without_command=True)
def methods(context: typer.Context, as_json: AsJson = False) -> None:
    """List the methods that can be trained.

    Example: glimpse recipes
    """
    if context.invoked_subcommand is not None:
        return
    from glimpse.recipes.registry import listed_recipes

    recipes, broken = listed_recipes()
    titles = {
        name: (type(recipe).__doc__ or "").strip().partition("\n")[0] for name, recipe in recipes.items()
    }
    for sentence in broken:
        typer.echo(sentence, err=True)
    if as_json:
        typer.echo(json.dumps(titles, indent=2, ensure_ascii=False))
        return
    width = max(map(len, titles), default=0)
    for name, title in titles.items():
        typer.echo(f"{name.ljust(width)}  {title}")
    typer.echo("\nThe keys of one: glimpse recipes show METHOD")


@app.command()
def show(
    method: Annotated[str, typer.Argument(help="A method that `glimpse recipes` lists.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Show the recipe with this key set."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print each key of a method's recipe: its value, its type and range, and where the value is from.

    Example: glimpse recipes show bot --set optimizer.lr=0.001
    """
    from glimpse.recipes.provenance import entries, with_settings
    from glimpse.recipes.registry import recipe_of
    from glimpse.serial import to_text

    published = recipe_of(method)
    recipe = with_settings(published, settings or [])
    defaults = {entry.key: entry.value for entry in entries(published)}
    rows = [
        (
            entry.key,
            to_text(entry.value),
            entry.kind,
            entry.range,
            str(entry.provenance)
            if entry.value == defaults[entry.key]
            else f"set by you; {to_text(defaults[entry.key])} is {entry.provenance}",
        )
        for entry in entries(recipe)
    ]
    if as_json:
        names = ("key", "value", "type", "range", "source")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    shown = [(key, value, f"{kind} {limits}".strip(), source) for key, value, kind, limits, source in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(3)]
    for *cells, source in shown:
        aligned = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        typer.echo("  ".join((*aligned, source)))
