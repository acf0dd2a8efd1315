"""From embeddings, in blocks and tiles, `evaluate` equals what it finds in the whole matrix."""

import dataclasses

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation import evaluate, open_set, roc, sources
from glimpse.protocols import Cmc


class Dot:
    """Dot products of small whole numbers: exact however they are cut into tiles, and full of ties."""

    def __init__(self, dtype=np.float32):
        self.dtype = dtype
        self.largest = (0, 0)

    def pairwise(self, query, gallery):
        self.largest = (max(self.largest[0], len(query)), max(self.largest[1], len(gallery)))
        return (query.vectors @ gallery.vectors.T).astype(self.dtype)


@pytest.fixture
def tiny_tiles(monkeypatch):
    monkeypatch.setattr(sources, "TILE_BYTES", 7 * 5 * 4)


def embedded(rng, rows, dtype=np.float32):
    return Embeddings(rng.integers(-2, 3, (rows, 5)).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cmc", list(Cmc))
@pytest.mark.parametrize("block_bytes", [1, 1200, 10**6])
@pytest.mark.usefixtures("tiny_tiles")
def test_blocks_and_tiles_equal_the_matrix(rng, dtype, cmc, block_bytes):
    protocol = cases.protocol(rng, queries=23, cmc=cmc, trials=3)
    query, gallery = embedded(rng, 23, dtype), embedded(rng, 60, dtype)
    similarity = Dot(dtype)
    tiled = evaluate((query, gallery), protocol, similarity=similarity, block_bytes=block_bytes)
    whole = evaluate(Dot(dtype).pairwise(query, gallery), protocol)
    for name in ("query", "trial", "rank", "average_precision", "inp", "matches", "skipped_query"):
        assert getattr(tiled, name).tolist() == getattr(whole, name).tolist()
    assert similarity.largest[1] <= 7
    if block_bytes == 1200:
        assert similarity.largest[0] <= 5


@pytest.mark.usefixtures("tiny_tiles")
def test_verification_and_open_sets_equal_the_matrix(rng):
    protocol = cases.protocol(rng, queries=40, gallery=15, persons=9, trials=2)
    pair = embedded(rng, 40), embedded(rng, 15)
    matrix = Dot().pairwise(*pair)
    tiled, whole = roc(pair, protocol, similarity=Dot(), block_bytes=100), roc(matrix, protocol)
    assert tiled.false_match.tolist() == whole.false_match.tolist()
    assert tiled.true_match.tolist() == whole.true_match.tolist()
    tiled, whole = open_set(pair, protocol, similarity=Dot(), block_bytes=100), open_set(matrix, protocol)
    assert tiled.stranger.tolist() == whole.stranger.tolist()
    assert tiled.known.tolist() == whole.known.tolist()


def test_memory_mapped_embeddings(rng, tmp_path):
    protocol = cases.protocol(rng)
    query, gallery = embedded(rng, 12), embedded(rng, 60)
    np.save(tmp_path / "gallery.npy", gallery.vectors)
    mapped = Embeddings(np.load(tmp_path / "gallery.npy", mmap_mode="r"))
    first = evaluate((query, mapped), protocol, similarity=Dot())
    assert (
        first.average_precision.tolist()
        == evaluate((query, gallery), protocol, similarity=Dot()).average_precision.tolist()
    )


def test_an_empty_gallery_is_an_error_of_the_protocol(rng):
    protocol = cases.protocol(rng)
    empty = dataclasses.replace(protocol, gallery=protocol.gallery[:0], trials=())
    pair = embedded(rng, 12), Embeddings(np.empty((0, 5), np.float32))
    with pytest.raises(OptionError, match="none of the 12 queries"):
        evaluate(pair, empty, similarity=Dot())


def test_what_does_not_fit_is_refused(rng):
    protocol = cases.protocol(rng)
    query, gallery = embedded(rng, 12), embedded(rng, 60)
    with pytest.raises(OptionError, match="need a similarity"):
        evaluate((query, gallery), protocol)
    with pytest.raises(ShapeError, match="query has 12 rows, but there are 11 embeddings"):
        evaluate((query[:11], gallery), protocol, similarity=Dot())
    with pytest.raises(ShapeError, match="gallery has 60 rows, but there are 12 embeddings"):
        evaluate((query, query), protocol, similarity=Dot())
    with pytest.raises(ShapeError, match="equal dimensions, got 5 and 4"):
        evaluate((query, Embeddings(gallery.vectors[:, :4])), protocol, similarity=Dot())
    with pytest.raises(OptionError, match="leave the similarity out"):
        evaluate(np.zeros((12, 60)), protocol, similarity=Dot())
    with pytest.raises(OptionError, match="pair"):
        evaluate((query.vectors, gallery.vectors), protocol, similarity=Dot())


def test_a_similarity_that_gives_something_else_is_refused(rng):
    class Wrong:
        def pairwise(self, query, gallery):
            return np.zeros((len(gallery), len(query)))

    with pytest.raises(ShapeError, match=r"must give float32 or float64 \[12, 60\]"):
        evaluate((embedded(rng, 12), embedded(rng, 60)), cases.protocol(rng), similarity=Wrong())
