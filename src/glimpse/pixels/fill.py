"""Filling slots, in this process: one image, or a few."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from glimpse.errors import BrokenImageError, UnreadableImageError
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.store import Entry, SlotWriter


class Task(NamedTuple):
    """An image to decode, and the slot it goes to."""

    slot: int
    entry: Entry


class Broken(NamedTuple):
    """A slot whose image cannot be decoded; `lasting` if only a change of the file can help."""

    slot: int
    reason: str
    lasting: bool


def fill(task: Task, prepare: Preparation, writer: SlotWriter) -> Broken | None:
    """Decode one image into its slot, or say why it cannot be."""
    try:
        pixels = prepare(task.entry.path, task.entry.stamp)
    except BrokenImageError as error:
        return Broken(task.slot, error.reason, lasting=not isinstance(error, UnreadableImageError))
    writer.write(task.slot, pixels)
    return None


def fill_here(
    tasks: Iterable[Task],
    prepare: Preparation,
    writer: SlotWriter,
    *,
    stop_on_broken: bool,
    advance: Callable[[int], None],
) -> list[Broken]:
    """Fill the slots one after the other."""
    broken = []
    for task in tasks:
        failure = fill(task, prepare, writer)
        advance(1)
        if failure is not None:
            broken.append(failure)
            if stop_on_broken:
                break
    return broken
