"""Embeddings come back from disk as they were, and nothing else is taken for them."""

import json

import numpy as np
import pytest

from glimpse.embeddings import Embeddings, load_embeddings, save_embeddings
from glimpse.errors import OptionError, ShapeError, StorageError


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_round_trip(tmp_path, ending, dtype, masked, rows):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4, 2 * rows)).astype(dtype).T[::2]  # neither contiguous
    embeddings = Embeddings(vectors, rng.random((rows, 4)).astype(dtype) if masked else None)
    save_embeddings(embeddings, tmp_path / f"e{ending}")
    again = load_embeddings(tmp_path / f"e{ending}")
    assert again.vectors.dtype == dtype
    assert again.vectors.tolist() == vectors.tolist()
    assert (again.masks is None) is not masked
    if masked:
        assert again.masks.tolist() == embeddings.masks.tolist()


def test_further_arrays_are_ignored(tmp_path):
    np.savez(tmp_path / "e.npz", vectors=np.ones((2, 3)), paths=np.array(["a", "b"]))
    assert len(load_embeddings(tmp_path / "e.npz")) == 2


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"\xff" * 100])
def test_a_damaged_file_is_refused(tmp_path, ending, content):
    (tmp_path / f"e{ending}").write_bytes(content)
    with pytest.raises(StorageError, match="cannot be read"):
        load_embeddings(tmp_path / f"e{ending}")


def test_a_cut_file_is_refused(tmp_path):
    for ending in (".safetensors", ".npz"):
        path = tmp_path / f"e{ending}"
        save_embeddings(Embeddings(np.ones((50, 8))), path)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(StorageError, match="cannot be read"):
            load_embeddings(path)


def test_an_object_array_is_never_unpickled(tmp_path):
    np.savez(tmp_path / "e.npz", vectors=np.array([{"a": 1}], object))
    with pytest.raises(StorageError, match="cannot be read"):
        load_embeddings(tmp_path / "e.npz")


def test_an_unknown_number_type_is_refused(tmp_path):
    header = json.dumps({"vectors": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "e.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises((StorageError, ShapeError)):
        load_embeddings(tmp_path / "e.safetensors")


def test_a_file_without_vectors_is_refused(tmp_path):
    np.savez(tmp_path / "e.npz", masks=np.ones((2, 3)))
    with pytest.raises(StorageError, match="must hold an array `vectors`, got masks"):
        load_embeddings(tmp_path / "e.npz")


def test_another_ending_is_refused(tmp_path):
    for path in (tmp_path / "e.pt", tmp_path / "e"):
        with pytest.raises(OptionError, match=r"kept as \.safetensors or \.npz"):
            save_embeddings(Embeddings(np.ones((1, 1))), path)


def test_no_file(tmp_path):
    with pytest.raises(StorageError, match="no file of embeddings"):
        load_embeddings(tmp_path / "e.npz")
