"""Embeddings come back from disk as they were, and nothing else is taken for them."""

import json

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError, StorageError


def vectors(rows=3, dim=2):
    return np.arange(rows * dim, dtype=np.float32).reshape(rows, dim)


def test_rows_are_chosen_with_their_masks():
    embeddings = Embeddings(vectors(), vectors() / 5)
    part = embeddings[[2, 0]]
    assert part.vectors.tolist() == [[4, 5], [0, 1]]
    assert part.masks is not None
    np.testing.assert_allclose(part.masks, [[0.8, 1], [0, 0.2]])
    assert (len(embeddings), embeddings.dim, len(Embeddings(vectors())[:0])) == (3, 2, 0)


@pytest.mark.parametrize(
    ("values", "masks", "message"),
    [
        (np.zeros(3, np.float32), None, r"\[N, D\], got float32 \[3\]"),
        (np.zeros((2, 2), int), None, "got int64"),
        (np.zeros((2, 0), np.float32), None, "at least one dimension"),
        (np.full((2, 2), np.nan, np.float32), None, "vectors must be finite, got nan in row 0"),
        (np.array([[0], [np.inf]], np.float32), None, "got inf in row 1"),
        (vectors(), vectors()[:2], r"masks must be float32 \[3, 2\] like the vectors, got float32 \[2, 2\]"),
        (vectors(), vectors(), r"masks must lie in \[0, 1\], got values from 0.0 to 5.0"),
    ],
)
def test_bad_embeddings_say_what_was_expected(values, masks, message):
    with pytest.raises(ShapeError, match=message):
        Embeddings(values, masks)


def test_large_finite_values_are_not_mistaken_for_infinity():
    largest = np.full((4, 4), np.finfo(np.float32).max, np.float32)
    assert len(Embeddings(largest)) == 4
    assert len(Embeddings(np.full((2, 8), 1e308))) == 2


def test_a_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "v.npy", vectors())
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert Embeddings(mapped).vectors is mapped


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_round_trip(tmp_path, ending, dtype, masked, rows):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4, 2 * rows)).astype(dtype).T[::2]  # neither contiguous
    embeddings = Embeddings(vectors, rng.random((rows, 4)).astype(dtype) if masked else None)
    embeddings.save(tmp_path / f"e{ending}")
    again = Embeddings.load(tmp_path / f"e{ending}")
    assert again.vectors.dtype == dtype
    assert again.vectors.tolist() == vectors.tolist()
    assert (again.masks is None) is not masked
    if masked:
        assert again.masks.tolist() == embeddings.masks.tolist()


def test_further_arrays_are_ignored(tmp_path):
    np.savez(tmp_path / "e.npz", vectors=np.ones((2, 3)), paths=np.array(["a", "b"]))
    assert len(Embeddings.load(tmp_path / "e.npz")) == 2


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"\xff" * 100])
def test_a_damaged_file_is_refused(tmp_path, ending, content):
    (tmp_path / f"e{ending}").write_bytes(content)
    with pytest.raises(StorageError, match="cannot be read"):
        Embeddings.load(tmp_path / f"e{ending}")


def test_a_cut_file_is_refused(tmp_path):
    for ending in (".safetensors", ".npz"):
        path = tmp_path / f"e{ending}"
        Embeddings(np.ones((50, 8))).save(path)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(StorageError, match="cannot be read"):
            Embeddings.load(path)


def test_an_object_array_is_never_unpickled(tmp_path):
    np.savez(tmp_path / "e.npz", vectors=np.array([{"a": 1}], object))
    with pytest.raises(StorageError, match="cannot be read"):
        Embeddings.load(tmp_path / "e.npz")


def test_an_unknown_number_type_is_refused(tmp_path):
    header = json.dumps({"vectors": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "e.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises((StorageError, ShapeError)):
        Embeddings.load(tmp_path / "e.safetensors")


def test_a_file_without_vectors_is_refused(tmp_path):
    np.savez(tmp_path / "e.npz", masks=np.ones((2, 3)))
    with pytest.raises(StorageError, match="must hold an array `vectors`, got masks"):
        Embeddings.load(tmp_path / "e.npz")


def test_another_ending_is_refused(tmp_path):
    for path in (tmp_path / "e.pt", tmp_path / "e"):
        with pytest.raises(OptionError, match=r"kept as \.safetensors or \.npz"):
            Embeddings(np.ones((1, 1))).save(path)


def test_no_file(tmp_path):
    with pytest.raises(StorageError, match="no file of embeddings"):
        Embeddings.load(tmp_path / "e.npz")
