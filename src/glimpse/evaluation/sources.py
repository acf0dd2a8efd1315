"""Where scores come from: a matrix, or embeddings and a similarity, a block of queries at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError

FloatArray = NDArray[np.floating[Any]]
ScoresOrEmbeddings = ArrayLike | tuple[Embeddings, Embeddings]

BLOCK_BYTES = 192 * 2**20
"""Scores that are held at a time when they come from embeddings: our choice."""
TILE_BYTES = 24 * 2**20
"""Gallery vectors that are handed to the similarity at a time: our choice."""


class Pairwise(Protocol):
    """What a similarity must offer to be evaluated."""

    def pairwise(self, query: Embeddings, gallery: Embeddings) -> FloatArray:
        """Scores [q, g], higher is better; each may depend on its own pair only."""
        ...


@runtime_checkable
class Shortlisted(Protocol):
    """A similarity that orders only the first of each query by all that it knows: the rest takes too long."""

    @property
    def note(self) -> str:
        """What must be told beside figures; empty where nothing is left out."""
        ...

    def shortlisted(self, query: Embeddings, gallery: Embeddings) -> FloatArray:
        """Scores [q, G] against the whole gallery, higher is better."""
        ...


@dataclass(frozen=True, eq=False)
class Block:
    """Scores of consecutive queries against the whole gallery.

    Attributes:
        start: row of the protocol's `query` that the first row of scores is.
        scores: [B, G] C-contiguous and read-only.
    """

    start: int
    scores: FloatArray


class ScoreSource(Protocol):
    """Scores of all queries against all of the gallery, in blocks; can be iterated more than once."""

    def blocks(self) -> Iterator[Block]:
        """Blocks in the order of the queries."""
        ...


@dataclass(frozen=True, eq=False)
class MatrixSource:
    """A score matrix [Q, G]; it may be a memory map, and its memory may be laid out in any order."""

    scores: FloatArray

    def blocks(self) -> Iterator[Block]:
        """The matrix as it is, or copied a block at a time if its rows are not contiguous."""
        rows, columns = self.scores.shape
        height = rows
        if not self.scores.flags.c_contiguous:
            height = max(1, BLOCK_BYTES // max(1, columns * self.scores.itemsize))
        for start in range(0, rows, max(1, height)):
            yield Block(start, _read_only(np.ascontiguousarray(self.scores[start : start + height])))


@dataclass(frozen=True, eq=False)
class EmbeddingSource:
    """Scores made when they are needed: a block of queries against tiles of the gallery.

    Attributes:
        query: [Q, D].
        gallery: [G, D]; may be a memory map.
        similarity: scores a tile.
        block_bytes: how much of the scores is held at a time.
    """

    query: Embeddings
    gallery: Embeddings
    similarity: Pairwise
    block_bytes: int = BLOCK_BYTES

    def blocks(self) -> Iterator[Block]:
        """Blocks of whole rows, so that each pair is scored once and ties are those of the matrix."""
        height = max(1, self.block_bytes // max(1, self.query.vectors.itemsize * len(self.gallery)))
        for start in range(0, len(self.query), height):
            yield Block(start, _read_only(self._scores(self.query[start : start + height])))

    def _scores(self, queries: Embeddings) -> FloatArray:
        if isinstance(self.similarity, Shortlisted):
            scores = self.similarity.shortlisted(queries, self.gallery)
            _check_floats(scores, (len(queries), len(self.gallery)), "the similarity must give")
            return scores
        widest = max(1, TILE_BYTES // max(1, self.gallery.dim * self.gallery.vectors.itemsize))
        edges = list(range(0, len(self.gallery), widest))
        tiles = [self.gallery[edge : edge + widest] for edge in edges]
        scores = np.empty((len(queries), len(self.gallery)), np.float32)
        for edge, tile in zip(edges, tiles, strict=True):
            part = np.asarray(self.similarity.pairwise(queries, tile))
            _check_floats(part, (len(queries), len(tile)), "the similarity must give")
            if part.dtype != scores.dtype:
                scores = scores.astype(part.dtype)
            scores[:, edge : edge + len(tile)] = part
        return scores


def score_source(
    scores: ScoresOrEmbeddings,
    queries: int,
    gallery: int,
    similarity: Pairwise | None,
    block_bytes: int = BLOCK_BYTES,
) -> ScoreSource:
    """Check what was given against the protocol's rows."""
    if isinstance(scores, tuple):
        if len(scores) != 2 or not all(isinstance(side, Embeddings) for side in scores):
            raise OptionError("embeddings are given as the pair (query, gallery)")
        if similarity is None:
            raise OptionError("embeddings need a similarity to be compared with, such as Cosine()")
        for name, side, rows in (("query", scores[0], queries), ("gallery", scores[1], gallery)):
            if len(side) != rows:
                raise ShapeError(
                    f"the protocol's {name} has {rows} rows, but there are {len(side)} embeddings"
                )
        if scores[0].dim != scores[1].dim:
            raise ShapeError(
                f"query and gallery embeddings must have equal dimensions, "
                f"got {scores[0].dim} and {scores[1].dim}"
            )
        return EmbeddingSource(*scores, similarity, block_bytes)
    if similarity is not None:
        raise OptionError("a score matrix is already compared: leave the similarity out")
    matrix = np.asarray(scores)
    _check_floats(matrix, (queries, gallery), "scores must be")
    return MatrixSource(matrix)


def _check_floats(values: NDArray[Any], shape: tuple[int, int], what: str) -> None:
    if values.shape != shape or values.dtype not in (np.float32, np.float64):
        raise ShapeError(
            f"{what} float32 or float64 {list(shape)} (queries, gallery), "
            f"got {values.dtype} {list(values.shape)}"
        )


def _read_only(scores: FloatArray) -> FloatArray:
    """A read-only view, so that kernels compile once."""
    view = scores.view()
    view.flags.writeable = False
    return view
