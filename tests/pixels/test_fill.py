"""Slots are filled one by one; what cannot be decoded is told, for good or for now."""

from pathlib import Path

import numpy as np
import pytest
from images import folder_of

from glimpse.pixels.decode import stamp_of
from glimpse.pixels.fill import Task, fill_here
from glimpse.pixels.preparation import Preparation
from glimpse.pixels.store import Entry, Slots, SlotWriter

PREPARE = Preparation((16, 8))


@pytest.fixture
def paths(tmp_path):
    return folder_of(tmp_path / "in", 4)


def filled(tmp_path, tasks, *, stop=False):
    tmp_path.joinpath("cache").mkdir()
    slots = Slots(tmp_path / "cache", PREPARE.shape)
    slots.grow(0, len(tasks))
    steps = []
    with SlotWriter(slots) as writer:
        broken = fill_here(tasks, PREPARE, writer, stop_on_broken=stop, advance=steps.append)
    return slots, broken, sum(steps)


def tasks_of(paths):
    return [Task(slot, Entry(path, stamp_of(path))) for slot, path in enumerate(paths)]


def test_every_slot_holds_its_prepared_image(paths, tmp_path):
    slots, broken, steps = filled(tmp_path, tasks_of(paths))
    assert not broken
    assert steps == 4
    np.testing.assert_array_equal(slots.pixels(4), np.stack([PREPARE(path) for path in paths]))


def test_a_broken_image_lasts_and_a_changed_file_may_be_tried_again(paths, tmp_path):
    Path(paths[1]).write_bytes(b"no image")
    tasks = tasks_of(paths)
    Path(paths[2]).write_bytes(Path(paths[2]).read_bytes() + b"more")
    slots, broken, steps = filled(tmp_path, tasks)
    assert [(one.slot, one.lasting) for one in broken] == [(1, True), (2, False)]
    assert slots.filled(4).tolist() == [True, False, False, True]
    assert steps == 4


def test_the_first_broken_image_may_end_it(paths, tmp_path):
    Path(paths[1]).write_bytes(b"no image")
    slots, broken, steps = filled(tmp_path, tasks_of(paths), stop=True)
    assert [one.slot for one in broken] == [1]
    assert slots.filled(4).tolist() == [True, False, False, False]
    assert steps == 2
