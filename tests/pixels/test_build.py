"""Builds that are killed or interrupted, and several builds of one cache at once."""

import signal
import threading

import numpy as np
import pytest
from builders import NAME, SIZE, done, slow_images, start, wait_until
from caches import spoil
from images import folder_of

from glimpse.files import locked
from glimpse.pixels import PixelCache, decode, resize, silent
from glimpse.pixels import workers as workers


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
