"""The command line. A module per group of commands; each imports what is heavy when it runs."""

from __future__ import annotations

import errno
import sys
import warnings
from io import TextIOWrapper
from itertools import pairwise
from typing import Any, NoReturn

import typer

from glimpse.cli import datasets, gallery, parts, recipes, world
from glimpse.cli.ablation import ablation
from glimpse.cli.demo import demo
from glimpse.cli.embed import embed
from glimpse.cli.evaluate import evaluate
from glimpse.cli.explain import explain
from glimpse.cli.export import export
from glimpse.cli.import_weights import import_weights
from glimpse.cli.options import Stopped
from glimpse.cli.pretrain import pretrain
from glimpse.cli.train import train
from glimpse.errors import GlimpseError, OptionError
from glimpse.files import printable, read_reason
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
app.add_typer(parts.app, name="parts")
app.command()(train)
app.command()(pretrain)
app.command()(embed)
app.command()(evaluate)
app.command()(explain)
app.add_typer(gallery.app, name="gallery")
app.command()(ablation)
app.command()(export)
app.command("import-weights")(import_weights)

_INTERRUPTED = 130  # what shells give for a process that Ctrl-C ended
# typer brings a click of its own, or takes the installed one, by its version
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]
_OF_DISKS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
_OF_PATHS = _OF_DISKS | {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EPERM,
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
    warnings.formatwarning = _one_line
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may hold bytes that are no text
    try:
        _refuse_empty(sys.argv[1:])
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:
            raise Stopped("stopped")
    except (KeyboardInterrupt, Stopped) as stop:
        _fail(str(stop) or "stopped", _INTERRUPTED)
    except GlimpseError as error:
        _fail(str(error))
    except _ClickError as error:
        _fail(_one_sentence(error))
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output has gone, as `head` does
            sys.stderr.close()
            sys.exit(0)
        if error.errno not in _OF_PATHS or (error.filename is None and error.errno not in _OF_DISKS):
            raise
        what = "cannot write" if error.filename is None else str(error.filename)
        _fail(f"{what}: {read_reason(error)}")
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    """A warning as a user wants it, without the line of the program that gave it."""
    return f"warning: {' '.join(str(message).split())}\n"


def _refuse_empty(words: list[str]) -> None:
    """An empty word stands for nothing that a command takes, and as a path it would be the current folder."""
    for before, word in pairwise(("", *words)):
        option, equals, value = word.partition("=")
        if not word:
            of = f"the value of {before}" if before.startswith("--") else "an argument"
            raise OptionError(f"{of} is empty")
        if option.startswith("--") and equals and not value:
            raise OptionError(f"the value of {option} is empty")


def _one_sentence(error: Exception) -> str:
    """What was wrong with the words of the command, and where its options are told."""
    said: str = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(said, err=True)
        sys.exit(2)
    sentence = " ".join(said.split()).removesuffix(".")
    for theirs, ours in (("Value error, ", ""), (": Input should", ": it should")):  # pydantic's words
        sentence = sentence.replace(theirs, ours)
    context: Any = getattr(error, "ctx", None)
    advice = f"; see `{context.command_path} --help`" if context is not None else ""
    return sentence[:1].lower() + sentence[1:] + advice


def _fail(sentence: str, code: int = 2) -> NoReturn:
    sentence = printable(sentence)  # names may hold line breaks, and one mistake is one line
    typer.echo(f"glimpse: {sentence}", err=True)
    sys.exit(code)
