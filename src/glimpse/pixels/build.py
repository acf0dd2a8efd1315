"""Updating a pixel cache: images that are missing or changed are decoded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import BrokenImageError, UnreadableImageError
from glimpse.files import locked, storage_error
from glimpse.pixels.decode import stamp_of
from glimpse.pixels.fill import Broken, Task, fill_here
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.store import Entry, Index, Slots, SlotWriter
from glimpse.pixels.workers import fill_by_workers
from glimpse.progress import Advance, Progress

_WORTH_A_WORKER = 32  # images; our choice: about what one process decodes while another one starts


@dataclass(frozen=True)
class Job:
    """How to bring a cache up to date."""

    folder: Path
    prepare: Preparation
    workers: int
    stop_on_broken: bool
    progress: Progress


@dataclass(frozen=True)
class Outcome:
    """Where the images of the given paths are, `[N]`; -1 where an image is broken."""

    slots: NDArray[np.int64]
    decoded: int
    reused: int
    reasons: dict[str, str]  # by given path
    pixels: NDArray[np.uint8]
    checksums: NDArray[np.uint32]


def bring_up_to_date(paths: Sequence[str], job: Job) -> Outcome:
    """Decode what the cache does not hold yet, and tell the slot of each path.

    Raises:
        BrokenImageError: when told to stop: about the first broken image in the given order.
    """
    wanted, reasons = _look(paths, job)
    slots = Slots(job.folder, job.prepare.shape)
    index = _load(job, slots)
    failures: list[Broken] = []
    decoded = 0
    if _unfinished(index, slots, wanted):
        _make_folder(job.folder)
        with locked(job.folder / "lock") as lock:
            index, failures, decoded = _finish(wanted, job, slots, lock)
    # else no lock is taken: a finished cache may lie in a read-only folder

    slot_of = index.slots()
    reason_of = index.broken | {failure.slot: failure.reason for failure in failures}
    filled = slots.filled(len(index.entries))
    held: dict[str, int] = {}
    for path, entry in wanted.items():
        slot = slot_of[entry]
        if filled[slot]:
            held[path] = slot
        elif slot in reason_of:
            reasons[path] = reason_of[slot]
    in_order = {path: reasons[path] for path in dict.fromkeys(paths) if path in reasons}
    if job.stop_on_broken and in_order:
        raise BrokenImageError(*next(iter(in_order.items())))
    return Outcome(
        slots=np.array([held.get(path, -1) for path in paths], np.int64),
        decoded=decoded,
        reused=len(set(held.values())) - decoded,
        reasons=in_order,
        pixels=slots.pixels(len(index.entries)),
        checksums=slots.checksums(len(index.entries)),
    )


def _look(paths: Sequence[str], job: Job) -> tuple[dict[str, Entry], dict[str, str]]:
    """The entry of each different path, and the reasons of those that have no file.

    When told to stop, what comes after the first path without a file is not looked at.
    """
    wanted: dict[str, Entry] = {}
    reasons: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        try:
            wanted[path] = Entry(os.path.abspath(path), stamp_of(path))  # noqa: PTH100 (speed)
        except UnreadableImageError as error:
            reasons[path] = error.reason
            if job.stop_on_broken:
                break
    return wanted, reasons


def _load(job: Job, slots: Slots) -> Index:
    index = Index.load(job.folder / "index.json", job.prepare)
    slots.check(len(index.entries))
    return index


def _unfinished(index: Index, slots: Slots, wanted: dict[str, Entry]) -> bool:
    slot_of = index.slots()
    sealed = slots.sealed(len(index.entries))
    return any(
        (slot := slot_of.get(entry)) is None or not (sealed[slot] or slot in index.broken)
        for entry in wanted.values()
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def _finish(wanted: dict[str, Entry], job: Job, slots: Slots, lock: int) -> tuple[Index, list[Broken], int]:
    """With the lock held: assign slots, fill the empty ones, and bring everything to the disk."""
    index = _load(job, slots)  # again: whoever held the lock before may have added to it
    old = len(index.entries)
    slots.drop_torn(old)
    index.add(wanted.values())
    count = len(index.entries)
    if count > old:
        slots.grow(old, count)
        index.save(job.folder / "index.json")

    tasks = _tasks(wanted, index, slots.filled(count), job)
    try:
        with job.progress("decoding images", len(tasks)) as advance:
            failures = _fill(tasks, job, slots, lock, advance)
    finally:
        slots.seal(count)
    lasting = {failure.slot: failure.reason for failure in failures if failure.lasting}
    if lasting:
        index.broken |= lasting
        index.save(job.folder / "index.json")
    filled = slots.filled(count)
    return index, failures, sum(bool(filled[task.slot]) for task in tasks)


def _tasks(wanted: dict[str, Entry], index: Index, filled: NDArray[np.bool_], job: Job) -> list[Task]:
    slot_of = index.slots()
    tasks: dict[int, Task] = {}
    for entry in wanted.values():
        slot = slot_of[entry]
        if slot not in index.broken:
            if not filled[slot]:
                tasks[slot] = Task(slot, entry)
        elif job.stop_on_broken:
            break  # only what precedes it can be the first broken image
    return list(tasks.values())


def _fill(tasks: list[Task], job: Job, slots: Slots, lock: int, advance: Advance) -> list[Broken]:
    workers = min(job.workers, len(tasks) // _WORTH_A_WORKER)
    if workers > 1 and sys.executable:
        return fill_by_workers(
            tasks,
            job.prepare,
            slots,
            workers=workers,
            lock=lock,
            stop_on_broken=job.stop_on_broken,
            advance=advance,
        )
    if not tasks:
        return []
    with SlotWriter(slots) as writer:
        return fill_here(tasks, job.prepare, writer, stop_on_broken=job.stop_on_broken, advance=advance)
