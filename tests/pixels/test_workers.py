"""Builds by several processes, and builds that do not end in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from caches import spoil
from images import encoded, folder_of, noise
from PIL import Image

from glimpse.errors import GlimpseError
from glimpse.files import locked
from glimpse.pixels import PixelCache, decode, resize, silent
from glimpse.pixels import workers as workers

SIZE = (64, 32)
NAME = "64x32-bicubic"

# A user's script, without any guard against being imported by workers.
SCRIPT = """
import sys
from pathlib import Path
from glimpse.pixels import PixelCache, silent
folder, listing, workers = sys.argv[1:]
paths = Path(listing).read_text().splitlines()
cache = PixelCache.build(paths, folder, size=(64, 32), workers=int(workers), progress=silent)
print(cache.report.decoded, cache.report.reused, flush=True)
"""


def start(tmp_path, cache, paths, *, workers=2):
    listing = tmp_path / "paths.txt"
    listing.write_text("\n".join(paths))
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(cache), str(listing), str(workers)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


def done(cache):
    """How many slots are marked."""
    try:
        return int(np.count_nonzero(np.fromfile(cache / NAME / "states.bin", np.uint64)))
    except FileNotFoundError:
        return 0


def wait_until(condition, *, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def slow_images(folder, count):
    """Images of which each takes a few milliseconds: few contents, many files."""
    folder.mkdir()
    contents = [encoded(Image.fromarray(noise(400, 300, seed)), "PNG") for seed in range(4)]
    paths = [str(folder / f"{row:04d}.png") for row in range(count)]
    for row, path in enumerate(paths):
        Path(path).write_bytes(contents[row % 4])
    return paths


def spoil_done(cache, paths):
    """Make what is done undecodable, with unchanged stamps: a second decoding would be noticed."""
    marks = np.fromfile(cache / NAME / "states.bin", np.uint64)
    for path, mark in zip(paths, marks, strict=True):
        if mark:
            spoil(path)
    return int(np.count_nonzero(marks))


def contents(cache):
    return {path.name: path.read_bytes() for path in sorted((cache / NAME).iterdir())}


@pytest.mark.parametrize(("workers", "count"), [(1, 120), (2, 240)])
def test_a_build_killed_half_way_is_finished_without_decoding_anything_twice(tmp_path, workers, count):
    paths = slow_images(tmp_path / "in", count)
    whole = PixelCache.build(paths, tmp_path / "whole", size=SIZE, progress=silent)
    assert whole.report.decoded == count

    cache = tmp_path / "cache"
    process = start(tmp_path, cache, paths, workers=workers)
    wait_until(lambda: done(cache) > 20)
    process.kill()
    process.communicate()
    with locked(cache / NAME / "lock"):  # the workers end with their parent
        kept = spoil_done(cache, paths)
    assert 20 < kept < count

    resumed = PixelCache.build(paths, cache, size=SIZE, progress=silent, workers=workers)
    assert (resumed.report.decoded, resumed.report.reused) == (count - kept, kept)
    assert contents(cache) == contents(tmp_path / "whole")


def test_repeated_kills_at_any_moment_lose_nothing(tmp_path):
    paths = slow_images(tmp_path / "in", 140)
    PixelCache.build(paths, tmp_path / "whole", size=SIZE, progress=silent)
    cache = tmp_path / "cache"
    before = 0
    for target in (1, 50):
        process = start(tmp_path, cache, paths)
        wait_until(lambda target=target: done(cache) >= target)
        process.kill()
        process.communicate()
        with locked(cache / NAME / "lock"):
            assert done(cache) >= before
            before = done(cache)
    PixelCache.build(paths, cache, size=SIZE, progress=silent)
    assert contents(cache) == contents(tmp_path / "whole")


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


def test_two_processes_building_at_once_share_the_work(tmp_path):
    paths = slow_images(tmp_path / "in", 100)
    cache = tmp_path / "cache"
    builders = [start(tmp_path, cache, paths) for _ in range(2)]
    reports = [tuple(map(int, builder.communicate()[0].split())) for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0]
    assert sorted(reports) == [(0, 100), (100, 0)]
    read = PixelCache.build(paths, cache, size=SIZE, progress=silent).read([7, 80])
    np.testing.assert_array_equal(read, np.stack([resize(decode(paths[row]), SIZE) for row in (7, 80)]))


def test_two_processes_with_different_images_both_get_theirs(tmp_path):
    paths = slow_images(tmp_path / "in", 100)
    cache = tmp_path / "cache"
    first = start(tmp_path, cache, paths[:70])
    wait_until(lambda: done(cache) >= 1)
    second = PixelCache.build(paths[40:], cache, size=SIZE, progress=silent)
    assert first.communicate()[0].split() == ["70", "0"]
    assert (second.report.decoded, second.report.reused) == (30, 30)


def test_two_threads_building_at_once_share_the_work(tmp_path):
    paths = folder_of(tmp_path / "in", 20)
    reports = []

    def build():
        reports.append(PixelCache.build(paths, tmp_path / "cache", size=SIZE, progress=silent).report)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.decoded for report in reports) == [0, 20]


def test_ctrl_c_ends_the_build_and_its_workers_and_the_next_one_goes_on(tmp_path):
    paths = slow_images(tmp_path / "in", 600)
    cache = tmp_path / "cache"
    process = start(tmp_path, cache, paths)
    wait_until(lambda: done(cache) >= 20)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    with locked(cache / NAME / "lock", wait=False):
        kept = spoil_done(cache, paths)
    assert PixelCache.build(paths, cache, size=SIZE, progress=silent).report.decoded == 600 - kept


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
