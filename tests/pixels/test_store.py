"""Caches that were damaged, and disks that cannot be written."""

import errno
import json
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from caches import NAME, build, spoil
from hypothesis import given, settings
from hypothesis import strategies as st
from images import folder_of

from glimpse.errors import BrokenImageError, StorageError


def cache_files(tmp_path, count=4):
    paths = folder_of(tmp_path / "in", count)
    build(paths, tmp_path / "cache")
    return paths, tmp_path / "cache" / NAME


def rewrite_index(folder, change):
    index = json.loads((folder / "index.json").read_text())
    del index["crc32"]
    change(index)
    (folder / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.pop("sizes"),
        lambda index: index["sizes"].pop(),
        lambda index: index["paths"].__setitem__(0, 7),
        lambda index: index["mtimes_ns"].__setitem__(0, "today"),
        lambda index: index["mtimes_ns"].__setitem__(0, None),
        lambda index: index.update(paths=[index["paths"][0]] * 4, sizes=[1] * 4, mtimes_ns=[1] * 4),
        lambda index: index.update(format="another"),
        lambda index: index.update(size=[8, 16]),
        lambda index: index.update(size=7),
        lambda index: index.update(broken={"4": "no such slot"}),
        lambda index: index.update(broken=[]),
        lambda index: index.update(filter="nearest"),
    ],
)
def test_a_damaged_index_is_one_sentence(tmp_path, change):
    paths, folder = cache_files(tmp_path)
    rewrite_index(folder, change)
    with pytest.raises(
        StorageError, match=r"^the pixel cache .* is damaged: its index cannot be read .*; delete that"
    ):
        build(paths, tmp_path / "cache")


@settings(max_examples=100, deadline=None)
@given(data=st.one_of(st.binary(max_size=80), st.text(alphabet='{}[]":,0paths', max_size=40).map(str.encode)))
def test_any_bytes_in_place_of_the_index_are_one_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cache")
    (folder / NAME).mkdir()
    (folder / NAME / "index.json").write_bytes(data)
    with pytest.raises(StorageError, match="is damaged: its index cannot be read"):
        build([], folder)


@pytest.mark.parametrize("name", ["pixels.bin", "states.bin"])
def test_files_shorter_than_the_index_says_are_one_sentence(tmp_path, name):
    paths, folder = cache_files(tmp_path)
    os.truncate(folder / name, 5)
    with pytest.raises(
        StorageError, match=rf"is damaged: {name} has 5 bytes where its index needs \d+; delete"
    ):
        build(paths, tmp_path / "cache")
    (folder / name).unlink()
    with pytest.raises(StorageError, match=f"is damaged: {name} has 0 bytes"):
        build(paths, tmp_path / "cache")


def test_every_edit_of_the_pixels_is_noticed_when_they_are_read(tmp_path):
    """Bytes that changed, were swapped with their neighbors, or are another slot's."""
    paths, folder = cache_files(tmp_path)
    whole = (folder / "pixels.bin").read_bytes()
    slot = len(whole) // 4
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 100).tolist():
        edited = bytearray(whole)
        edited[place] ^= int(rng.integers(1, 256))
        (folder / "pixels.bin").write_bytes(edited)
        cache = build(paths, tmp_path / "cache")
        with pytest.raises(StorageError, match=r"the pixels of .* are not those that were written; delete"):
            cache.read(np.arange(4))
        others = np.flatnonzero(np.arange(4) != place // slot)
        assert len(cache.read(others)) == 3
    (folder / "pixels.bin").write_bytes(whole[slot : 2 * slot] + whole[:slot] + whole[2 * slot :])
    with pytest.raises(StorageError, match="not those that were written"):
        build(paths, tmp_path / "cache").read([0])


def test_an_image_is_checked_once(tmp_path, monkeypatch):
    paths, _ = cache_files(tmp_path)
    cache = build(paths, tmp_path / "cache")
    checked, crc32 = [], zlib.crc32
    monkeypatch.setattr("glimpse.pixels.cache.zlib.crc32", lambda data: checked.append(1) or crc32(data))
    for _ in range(3):
        cache.read([0, 2, 0])
    assert len(checked) == 3  # a row that is asked for twice at once is looked at twice
    cache.read(np.arange(4))
    assert len(checked) == 5


def test_two_names_that_were_swapped_in_the_index_are_noticed(tmp_path):
    paths, folder = cache_files(tmp_path)
    text = (folder / "index.json").read_text()
    first, second = (json.dumps(str(path)) for path in paths[:2])
    assert text.count(first) == 1
    (folder / "index.json").write_text(text.replace(first, "?").replace(second, first).replace("?", second))
    with pytest.raises(StorageError, match="it is not the one that was written"):
        build(paths, tmp_path / "cache")


def test_an_index_from_before_checksums_is_read(tmp_path):
    paths, folder = cache_files(tmp_path)
    rewrite_index(folder, lambda index: None)
    assert build(paths, tmp_path / "cache").report.reused == 4


def test_a_lost_index_builds_again_from_nothing(tmp_path):
    paths, folder = cache_files(tmp_path)
    (folder / "index.json").unlink()
    spoil(paths[1])  # its old pixels must not pass for new ones
    with pytest.raises(BrokenImageError):
        build(paths, tmp_path / "cache")


def test_pixels_lost_in_a_power_cut_are_decoded_again_in_an_unfinished_build(tmp_path):
    paths, folder = cache_files(tmp_path)
    whole = (folder / "pixels.bin").read_bytes(), (folder / "states.bin").read_bytes()
    # As the disk may look after a power cut: all marks are there, unsealed, and not all pixels.
    pixels = np.fromfile(folder / "pixels.bin", np.uint8).reshape(4, -1)
    marks = np.array([1 << 32 | zlib.crc32(row) for row in pixels], "<u8")
    marks[3] = 0
    pixels[1, 100:] = 0
    pixels.tofile(folder / "pixels.bin")
    marks.tofile(folder / "states.bin")
    spoil(paths[0])
    spoil(paths[2])
    cache = build(paths, tmp_path / "cache")
    assert (cache.report.decoded, cache.report.reused) == (2, 2)
    assert ((folder / "pixels.bin").read_bytes(), (folder / "states.bin").read_bytes()) == whole


def test_a_full_disk_is_one_sentence_before_anything_is_decoded(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    paths = folder_of(tmp_path / "in", 3)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"pixels\.bin: the disk is full \(it needs 1,152 bytes more\)$"):
        build(paths, tmp_path / "cache")
    assert (tmp_path / "cache" / NAME / "pixels.bin").stat().st_size == 0
    monkeypatch.undo()
    assert build(paths, tmp_path / "cache").report.decoded == 3


def test_a_real_limit_on_the_size_of_files_is_one_sentence(tmp_path):
    paths = folder_of(tmp_path / "in", 3)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from glimpse.pixels import PixelCache\n"
        "PixelCache.build(sys.argv[2:], sys.argv[1], size=(16, 8))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "cache"), *paths]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "StorageError: cannot write" in run.stderr
    assert "the file is larger than" in run.stderr


def test_a_disk_that_cannot_reserve_room_is_asked_for_its_free_space(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    paths = folder_of(tmp_path / "in", 3)
    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    assert build(paths, tmp_path / "cache").report.decoded == 3
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(StorageError, match="the disk is full"):
        build(paths, tmp_path / "other")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    paths = folder_of(tmp_path / "in", 2)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"^cannot read .*: Not a directory$"):
        build(paths, tmp_path / "file")


def test_a_read_only_folder_is_one_sentence_unless_the_cache_is_finished(tmp_path, monkeypatch):
    paths = folder_of(tmp_path / "in", 3)
    build(paths[:2], tmp_path / "cache")
    opened = os.open

    def read_only(path, flags, *rest, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system", path)
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", read_only)
    assert build(paths[:2], tmp_path / "cache").report.reused == 2
    with pytest.raises(StorageError, match="the disk is read-only"):
        build(paths, tmp_path / "cache")
