"""The command line. A module per group of commands; each imports what is heavy when it runs."""

from __future__ import annotations

import errno
import sys

import typer

from glimpse.cli import datasets, recipes, world
from glimpse.cli.ablation import ablation
from glimpse.cli.demo import demo
from glimpse.cli.embed import embed
from glimpse.cli.evaluate import evaluate
from glimpse.cli.explain import explain
from glimpse.cli.export import export
from glimpse.cli.import_weights import import_weights
from glimpse.cli.pretrain import pretrain
from glimpse.cli.train import train
from glimpse.errors import GlimpseError
from glimpse.runtime import limit_spinning

app = typer.Typer(
    help="Find a person again from whatever is at hand: occluded, partial, infrared or described in words.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich alone would take a third of the time that --help may
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.add_typer(world.app, name="world")
app.add_typer(datasets.app, name="datasets")
app.add_typer(recipes.app, name="recipes")
app.command()(train)
app.command()(pretrain)
app.command()(embed)
app.command()(evaluate)
app.command()(explain)
app.command()(ablation)
app.command()(export)
app.command("import-weights")(import_weights)

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
}


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from glimpse.version import __version__

        typer.echo(f"glimpse {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; whatever the user can fix is one sentence and exit code 2."""
    limit_spinning()
    try:
        app()
    except GlimpseError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output has gone, as `head` does
            sys.stderr.close()
            sys.exit(0)
        if error.errno not in _DISK_ERRORS:
            raise
        _fail(f"{error.filename or 'cannot write'}: {_DISK_ERRORS[error.errno]}")


def _fail(sentence: str) -> None:
    typer.echo(f"glimpse: {sentence}", err=True)
    sys.exit(2)
