"""Builds by several processes, and builds that do not end in order."""

import os
import subprocess
import sys
import time

import pytest
from builders import NAME, SIZE, done, slow_images, start, wait_until
from images import folder_of

from glimpse.errors import GlimpseError
from glimpse.files import locked
from glimpse.pixels import PixelCache, silent
from glimpse.pixels import workers as workers


def test_workers_of_a_killed_parent_keep_the_lock_until_they_have_ended(tmp_path):
    paths = slow_images(tmp_path / "in", 300)
    cache = tmp_path / "cache"
    process = start(tmp_path, cache, paths)
    wait_until(lambda: done(cache) >= 20)
    process.kill()
    process.communicate()
    with locked(cache / NAME / "lock"):
        settled = done(cache)
        time.sleep(0.2)
        assert done(cache) == settled


def test_a_worker_that_dies_is_one_sentence_and_what_was_done_is_kept(tmp_path, monkeypatch):
    paths = slow_images(tmp_path / "in", 200)
    orders = workers._Worker.do

    def kill_later(worker, tasks):
        if tasks[0].slot >= 64:
            worker.kill()
        return orders(worker, tasks)

    monkeypatch.setattr(workers._Worker, "do", kill_later)
    with pytest.raises(GlimpseError, match=r"^a decoding process ended with signal 9 at .*\d{4}\.png or one"):
        PixelCache.build(paths, tmp_path / "cache", size=SIZE, progress=silent, workers=2)
    monkeypatch.undo()
    kept = done(tmp_path / "cache")
    assert kept >= 48
    cache = PixelCache.build(paths, tmp_path / "cache", size=SIZE, progress=silent, workers=2)
    assert (cache.report.decoded, cache.report.reused) == (200 - kept, kept)


def test_a_worker_that_cannot_start_is_one_sentence(tmp_path, monkeypatch, capfd):
    paths = folder_of(tmp_path / "in", 70)
    monkeypatch.setattr(workers, "_START", "raise SystemExit(3)")
    with pytest.raises(GlimpseError, match="a decoding process ended with exit code 3"):
        PixelCache.build(paths, tmp_path / "cache", size=SIZE, progress=silent, workers=2)


def test_a_worker_that_cannot_write_hands_its_sentence_to_the_parent(tmp_path, monkeypatch):
    paths = folder_of(tmp_path / "in", 70)
    monkeypatch.setattr(
        workers,
        "_START",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));" + workers._START,
    )
    with pytest.raises(GlimpseError, match=r"^cannot write .*pixels\.bin: the file is larger than"):
        PixelCache.build(paths, tmp_path / "cache", size=SIZE, progress=silent, workers=2)


def test_workers_import_neither_torch_nor_numba_nor_rich():
    code = "import sys, glimpse.pixels.workers; print(sorted({'torch', 'numba', 'rich'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    output = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert output.strip() == "[]"
