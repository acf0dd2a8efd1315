import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from caches import NAME, SIZE, build, expected, replace_content, spoil
from images import encoded, folder_of, noise
from PIL import Image

from glimpse.errors import BrokenImageError, OptionError, ShapeError
from glimpse.pixels import Filter, OnBroken, PixelCache, decode, resize


def test_rows_are_aligned_with_the_given_paths_which_may_repeat(tmp_path):
    paths = folder_of(tmp_path / "in", 5)
    given_paths = [paths[row] for row in (3, 0, 3, 4, 1, 2, 0)]
    cache = build(given_paths, tmp_path / "cache")
    assert len(cache) == 7
    assert cache.usable.all()
    assert (cache.report.decoded, cache.report.reused, cache.report.broken) == (5, 0, ())
    rows = [6, 0, 2, 5, 6]
    read = cache.read(rows)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, np.stack([expected(given_paths[row]) for row in rows]))
    mask = np.arange(7) % 2 == 1
    np.testing.assert_array_equal(cache.read(mask), cache.read(np.flatnonzero(mask)))
    assert cache.read([]).shape == (0, *SIZE, 3)


def test_a_finished_cache_decodes_nothing_again(tmp_path):
    paths = folder_of(tmp_path / "in", 6)
    first = build(paths, tmp_path / "cache")
    pixels = first.read(range(6))
    for path in paths:
        spoil(path)
    again = build(paths[::-1], tmp_path / "cache")
    assert (again.report.decoded, again.report.reused) == (0, 6)
    np.testing.assert_array_equal(again.read(range(6)), pixels[::-1])


def test_processes_and_this_process_write_the_same_bytes(tmp_path):
    paths = folder_of(tmp_path / "in", 150)
    build(paths, tmp_path / "here", workers=1)
    cache = build(paths, tmp_path / "workers", workers=3)
    assert cache.report.decoded == 150
    assert contents(tmp_path / "here") == contents(tmp_path / "workers")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / NAME).iterdir())}


def test_each_size_filter_and_white_level_has_its_own_folder(tmp_path):
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 64
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(values), "PNG"))
    folder = tmp_path / "cache"
    plain = build([str(path)], folder)
    smooth = build([str(path)], folder, filter=Filter.BILINEAR)
    small = build([str(path)], folder, size=(4, 4))
    bright = build([str(path)], folder, white=4095)
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "16x8-bicubic", "16x8-bicubic-white4095", "16x8-bilinear", "4x4-bicubic",
    ]  # fmt: skip
    assert small.read([0]).shape == (1, 4, 4, 3)
    np.testing.assert_array_equal(bright.read([0])[0], expected(path, white=4095))
    np.testing.assert_array_equal(smooth.read([0])[0], resize(decode(path), SIZE, Filter.BILINEAR))
    assert plain.read([0]).max() < 20 < bright.read([0]).max()


def test_added_images_extend_the_cache_and_the_old_ones_stay(tmp_path):
    paths = folder_of(tmp_path / "in", 6)
    before = build(paths[2:4], tmp_path / "cache")
    pixels = before.read([0, 1])
    cache = build(paths, tmp_path / "cache")
    assert (cache.report.decoded, cache.report.reused) == (4, 2)
    np.testing.assert_array_equal(cache.read(range(6)), np.stack([expected(path) for path in paths]))
    np.testing.assert_array_equal(before.read([0, 1]), pixels)


@pytest.mark.parametrize("change", ["time", "size"])
def test_a_changed_image_is_noticed_and_decoded_again(tmp_path, change):
    paths = folder_of(tmp_path / "in", 4)
    before = build(paths, tmp_path / "cache")
    old = before.read([2])
    status = Path(paths[2]).stat()
    height, width = (24, 12) if change == "time" else (9, 9)
    Path(paths[2]).write_bytes(encoded(Image.fromarray(noise(height, width, 77)), "PNG"))
    later = 1 if change == "time" else 0
    os.utime(paths[2], ns=(status.st_atime_ns, status.st_mtime_ns + later))
    cache = build(paths, tmp_path / "cache")
    assert (cache.report.decoded, cache.report.reused) == (1, 3)
    np.testing.assert_array_equal(cache.read(range(4)), np.stack([expected(path) for path in paths]))
    np.testing.assert_array_equal(before.read([2]), old)  # an open cache is not pulled away


def test_a_file_that_changes_between_look_and_decoding_is_not_stored(tmp_path, monkeypatch):
    paths = folder_of(tmp_path / "in", 2)
    from glimpse.pixels.store import Index

    save = Index.save

    def save_then_touch(self, path):
        save(self, path)
        os.utime(paths[1], ns=(0, 0))

    monkeypatch.setattr(Index, "save", save_then_touch)
    with pytest.raises(BrokenImageError, match="the file changed while it was being read"):
        build(paths, tmp_path / "cache")
    monkeypatch.undo()
    assert build(paths, tmp_path / "cache").report.decoded == 1


def break_files(paths, rows):
    for row in rows:
        Path(paths[row]).write_bytes(b"broken")


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_names_the_first_broken_image_and_keeps_the_others(tmp_path, workers):
    paths = folder_of(tmp_path / "in", 130)
    break_files(paths, [100, 65, 64, 90])
    with pytest.raises(BrokenImageError) as caught:
        build(paths, tmp_path / "cache", workers=workers)
    assert (caught.value.path, caught.value.reason) == (
        paths[64],
        "it is not a JPEG, PNG, BMP, TIFF or WebP file",
    )
    for path in paths[:64]:
        spoil(path)
    cache = build(paths[:64], tmp_path / "cache", workers=workers)
    assert (cache.report.decoded, cache.report.reused) == (0, 64)
    with pytest.raises(BrokenImageError) as caught:  # remembered, and still the first
        build(paths, tmp_path / "cache", workers=workers)
    assert caught.value.path == paths[64]


def test_stopping_at_a_missing_file_still_names_the_first_broken_one(tmp_path):
    paths = folder_of(tmp_path / "in", 6)
    break_files(paths, [1])
    Path(paths[3]).unlink()
    with pytest.raises(BrokenImageError) as caught:
        build(paths, tmp_path / "cache")
    assert caught.value.path == paths[1]
    Path(paths[1]).write_bytes(encoded(Image.fromarray(noise(4, 4)), "PNG"))
    with pytest.raises(BrokenImageError) as caught:
        build(paths, tmp_path / "cache")
    assert (caught.value.path, caught.value.reason) == (paths[3], "there is no such file")
    assert build(paths[:3], tmp_path / "cache").report.decoded == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_skipping_reports_and_remembers_the_broken_images(tmp_path, workers):
    paths = folder_of(tmp_path / "in", 80)
    break_files(paths, [70, 3])
    Path(paths[5]).unlink()
    options = {"on_broken": OnBroken.SKIP, "workers": workers}
    cache = build(paths, tmp_path / "cache", **options)
    reason = "it is not a JPEG, PNG, BMP, TIFF or WebP file"
    broken = ((paths[3], reason), (paths[5], "there is no such file"), (paths[70], reason))
    assert cache.report.broken == broken
    assert cache.report.decoded == 77
    assert np.flatnonzero(~cache.usable).tolist() == [3, 5, 70]
    with pytest.raises(BrokenImageError) as caught:
        cache.read([0, 70])
    assert caught.value.path == paths[70]
    np.testing.assert_array_equal(cache.read([69, 71]), np.stack([expected(paths[69]), expected(paths[71])]))

    image = encoded(Image.fromarray(noise(30, 20)), "PNG")
    replace_content(paths[3], image[:6])  # same stamp: not looked into again
    Path(paths[5]).write_bytes(image)
    Path(paths[70]).write_bytes(image)
    cache = build(paths, tmp_path / "cache", **options)
    assert cache.report.broken == broken[:1]
    assert (cache.report.decoded, cache.report.reused) == (2, 77)
    np.testing.assert_array_equal(cache.read([5, 70]), np.stack([expected(paths[5]), expected(paths[70])]))


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path, monkeypatch):
    paths = folder_of(tmp_path / "in", 3)
    from glimpse.errors import UnreadableImageError
    from glimpse.pixels import preparation

    read = preparation.read_source

    def denied(path, **options):
        if path == paths[1]:
            raise UnreadableImageError(path, "permission to read the file is denied")
        return read(path, **options)

    monkeypatch.setattr(preparation, "read_source", denied)
    cache = build(paths, tmp_path / "cache", on_broken=OnBroken.SKIP)
    assert cache.report.broken == ((paths[1], "permission to read the file is denied"),)
    monkeypatch.undo()
    cache = build(paths, tmp_path / "cache", on_broken=OnBroken.SKIP)
    assert (cache.report.decoded, cache.report.reused, cache.report.broken) == (1, 2, ())


def test_names_that_are_no_text_or_hold_newlines_survive(tmp_path):
    names = [b"no\xfftext.png", b"two\nlines.png", "größe ü.png".encode(), b"plain.png"] * 20
    folder = bytes(tmp_path)
    paths = []
    for row, name in enumerate(names):
        path = folder + b"/%03d" % row + name
        Path(os.fsdecode(path)).write_bytes(encoded(Image.fromarray(noise(6, 6, row)), "PNG"))
        paths.append(os.fsdecode(path))
    cache = build(paths, tmp_path / "cache", workers=2)
    assert (cache.report.decoded, cache.report.broken) == (80, ())
    np.testing.assert_array_equal(cache.read([77, 40]), np.stack([expected(paths[77]), expected(paths[40])]))
    assert build(paths, tmp_path / "cache", workers=2).report.reused == 80


def test_a_cache_of_nothing_and_a_cache_of_missing_files(tmp_path):
    assert build([], tmp_path / "cache").read([]).shape == (0, *SIZE, 3)
    cache = build(["a", "b"], tmp_path / "cache", on_broken=OnBroken.SKIP)
    assert cache.report.broken == (("a", "there is no such file"), ("b", "there is no such file"))
    assert not cache.usable.any()
    assert not (tmp_path / "cache").exists()


def test_a_cache_follows_the_file_and_not_the_way_it_is_named(tmp_path, monkeypatch):
    paths = folder_of(tmp_path / "in", 2)
    build(paths, tmp_path / "cache")
    monkeypatch.chdir(tmp_path / "in")
    cache = build(["./0001.jpg", "0000.png", paths[1]], "../cache")
    assert (cache.report.decoded, cache.report.reused) == (0, 2)
    np.testing.assert_array_equal(cache.read([0]), cache.read([2]))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([2], r"rows must lie within 0\.\.1, not 2\.\.2"),
        ([-1, 0], r"not -1\.\.0"),
        ([0.5], r"rows must be whole numbers \[n\] or a mask \[2\], not float64 \[1\]"),
        ([True], r"not bool \[1\]"),
        (0, r"not int64 \[\]"),
    ],
)
def test_impossible_rows_are_refused(tmp_path, rows, sentence):
    cache = build(folder_of(tmp_path / "in", 2), tmp_path / "cache")
    with pytest.raises(ShapeError, match=sentence):
        cache.read(rows)


def test_impossible_options_are_refused(tmp_path):
    with pytest.raises(OptionError, match=r"not the single path 'a\.jpg'"):
        build("a.jpg", tmp_path)
    with pytest.raises(OptionError, match=r"workers must be from 1 to .*, got 0"):
        build([], tmp_path, workers=0)
    with pytest.raises(OptionError, match="white must lie"):
        build([], tmp_path, white=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_build_tells_its_progress_to_the_end(tmp_path, workers):
    told = []

    @contextmanager
    def listen(label, total):
        told.append((label, total))
        yield told.append

    PixelCache.build(folder_of(tmp_path / "in", 70), tmp_path / "cache", workers=workers, progress=listen)
    assert told[0] == ("decoding images", 70)
    assert sum(told[1:]) == 70
