"""What happened in an epoch, and who is told: a log in JSON lines, TensorBoard, a bar on the terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from glimpse.errors import TrainingError
from glimpse.extras import require
from glimpse.files import atomic_write, printable, regular_target

_PATIENCE = 2.0  # seconds; DESIGN: progress on anything longer


@dataclass(frozen=True)
class EpochReport:
    """An epoch that is done.

    Attributes:
        stage: the stage's name.
        epoch: from 1.
        epochs: of the stage.
        done: steps since the run began.
        losses: by `update/loss`, the mean over the epoch.
        rates: by update, the largest learning rate of its first optimizer.
        images_per_second: of training, without validation.
        measures: of the validation, if it took place.
        observed: what else the method tells of its steps, the mean over the epoch.
    """

    stage: str
    epoch: int
    epochs: int
    done: int
    losses: Mapping[str, float]
    rates: Mapping[str, float]
    images_per_second: float
    measures: Mapping[str, float] = field(default_factory=dict)
    observed: Mapping[str, float] = field(default_factory=dict)


Listener = Callable[[EpochReport], None]


def json_lines(path: Path, done: int) -> Listener:
    """A listener that appends each report to `path`, as one line of JSON.

    Lines of steps after `done` are removed first: a resumed run does those steps again.

    Raises:
        TrainingError: if a line is damaged, so that nobody can tell whether it is one of those.
    """
    path = regular_target(path)
    kept = [line for number, line in enumerate(_lines(path), 1) if _done(path, number, line) <= done]
    with atomic_write(path) as file:
        file.writelines(line + b"\n" for line in kept)

    def listen(report: EpochReport) -> None:
        with path.open("ab") as file:
            file.write(json.dumps(asdict(report)).encode() + b"\n")

    return listen


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a log; a last line that a kill cut off is none."""
    if not path.exists():
        return []
    *whole, _cut = path.read_bytes().split(b"\n")
    return whole


def _done(path: Path, number: int, line: bytes) -> int:
    try:
        return int(json.loads(line)["done"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise TrainingError(
            f"cannot resume: line {number} of {printable(path)} is damaged; move the file elsewhere to begin "
            "another log"
        ) from error


def tensorboard(folder: Path, done: int) -> Listener:
    """A listener that writes TensorBoard events; needs the extra `tensorboard`."""
    module = require("torch.utils.tensorboard", extra="tensorboard", purpose="writing TensorBoard events")
    # events at this step or later are forgotten: those of the epoch that ended at `done` stay
    writer = module.SummaryWriter(str(folder), purge_step=done + 1)

    def listen(report: EpochReport) -> None:
        groups = {
            "loss": report.losses,
            "lr": report.rates,
            "validation": report.measures,
            "observed": report.observed,
        }
        for group, values in groups.items():
            for name, value in values.items():
                writer.add_scalar(f"{report.stage}/{group}/{name}", value, report.done)
        writer.add_scalar(f"{report.stage}/images_per_second", report.images_per_second, report.done)
        writer.flush()

    return listen


Show = Callable[[float, str], None]


@contextmanager
def training_bar(label: str, total: int) -> Iterator[Show]:
    """A bar on standard error, if that is a terminal and the work lasts longer than two seconds.

    Yields:
        A function that is told how much of `total` is done, and a few words to show with it.
    """
    started = time.monotonic()
    update: Show | None = None
    with ExitStack() as stack:

        def show(done: float, words: str) -> None:
            nonlocal update
            if update is None and sys.stderr.isatty() and time.monotonic() - started > _PATIENCE:
                update = stack.enter_context(_bar(label, total, done))
            if update is not None:
                update(done, words)

        yield show


@contextmanager
def no_bar(label: str, total: int) -> Iterator[Show]:
    """No bar."""
    yield lambda done, words: None


@contextmanager
def _bar(label: str, total: int, done: float) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        # what a resumed run found done says nothing of this one's speed
        task = bar.add_task(label, total=total, completed=done, words="")  # type: ignore[arg-type]
        yield lambda done, words: bar.update(task, completed=done, words=words)
