import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError


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
