"""A file of embeddings takes its room beforehand, and is whole once it is finished."""

import os
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from glimpse.embeddings import Embeddings, read_about
from glimpse.errors import StorageError
from glimpse.retriever.vector_file import VectorFile, map_arrays


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reserves room on the disk")
def test_the_disk_has_room_for_every_row_before_the_first_is_written(tmp_path):
    path = tmp_path / "v.safetensors"
    VectorFile(path).allocate(1000, 300, masked=True)
    status = path.stat()
    # a hole in a mapped file kills the process that writes to it when the disk is full
    assert status.st_blocks * 512 >= status.st_size > 2 * 1000 * 300 * 4


def test_a_full_disk_is_an_error_not_a_signal(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("glimpse.retriever.vector_file.reserve", full)
    with pytest.raises(OSError, match="space"):
        VectorFile(tmp_path / "v.safetensors").allocate(10, 3, masked=False)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 7, 10])
def test_a_finished_file_holds_its_rows_texts_and_further_arrays(tmp_path, masked, rows):
    rng = np.random.default_rng(rows)
    given, trust = rng.random((2, 10, 3), np.float32)
    further = {"prior": rng.random((2, 5)).astype(np.float32), "known": np.array([True, False])}
    file = VectorFile(tmp_path / "v.safetensors", {"rows": "0" * 64, "how": "cosine"}, further)
    vectors, masks = file.allocate(10, 3, masked)
    vectors[:rows] = given[:rows]
    if masked:
        masks[:rows] = trust[:rows]
    file.finish(rows, {"rows": "f" * 64})
    held = load_file(tmp_path / "v.safetensors")
    assert sorted(held) == sorted(["vectors", *(["masks"] if masked else []), *further])
    for name, array in further.items():
        np.testing.assert_array_equal(held[name], array)
    loaded = Embeddings.load(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(loaded.vectors, given[:rows])
    assert masked is (loaded.masks is not None)
    if masked:
        np.testing.assert_array_equal(loaded.masks, trust[:rows])
    assert read_about(tmp_path / "v.safetensors") == {"rows": "f" * 64, "how": "cosine"}


def test_arrays_are_mapped_as_they_were_written_and_damage_is_told(tmp_path):
    path = tmp_path / "file.safetensors"
    ids, added = np.arange(6, dtype=np.uint8).reshape(3, 2), np.array([2**40, -1, 7])
    file = VectorFile(path, None, {"ids": ids, "added": added})
    vectors, masks = file.allocate(3, 4, True)
    vectors[:], masks[:] = np.arange(12).reshape(3, 4), 0.5
    file.finish(3)
    held = map_arrays(path)
    assert isinstance(held["vectors"], np.memmap)
    for name, wanted in {"vectors": vectors, "masks": masks, "ids": ids, "added": added}.items():
        np.testing.assert_array_equal(held[name], wanted)
    held["vectors"][:] = 9
    assert map_arrays(path)["vectors"][0, 0] == 0, "a map is private"
    whole = path.read_bytes()
    for damaged in (b"", whole[:20], whole[:60], b"\xff" * 200):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match="cannot be read as"):
            map_arrays(path)
