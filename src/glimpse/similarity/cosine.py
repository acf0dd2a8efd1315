"""`Cosine` and `Euclidean`: the similarities of plain vectors, one matrix product each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.compiled import compiled_fastmath, over_pieces
from glimpse.embeddings import Embeddings
from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer


class MatmulDtype(Enum):
    """In what the matrix products are computed; everything else is float32.

    BFLOAT16 keeps 8 bits of each score: meant for the first of `TwoPass`. It pays on a GPU and on a CPU with
    AMX; a CPU without such instructions is slower with it than with float32.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    def product(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Left [Q, D] times right [g, D] transposed, as float32 [Q, g]."""
        if self is MatmulDtype.BFLOAT16:
            return (left.bfloat16() @ right.bfloat16().T).float()
        return left @ right.T


@dataclass(frozen=True)
class Cosine(Similarity):
    """The cosine of the angle between two vectors; 0 where one of them is zero. Masks are ignored.

    Attributes:
        unit_gallery: the gallery's vectors are known to have length 1, so no norm is computed; this
            halves the time of a single query.
        dtype: of the matrix product.
        device: where torch computes.

    >>> from glimpse.embeddings import Embeddings
    >>> query, gallery = Embeddings(np.array([[1.0, 2, 2]])), Embeddings(np.array([[2.0, 1, 2], [0, 3, 4]]))
    >>> Cosine().pairwise(query, gallery).round(3)
    array([[0.889, 0.933]], dtype=float32)
    >>> Cosine().top_k(query, gallery, k=1).rows
    array([[1]])
    """

    unit_gallery: bool = False
    dtype: MatmulDtype = MatmulDtype.FLOAT32
    device: str = "cpu"

    def scorer(self, query: Tile) -> TileScorer:
        """Unit queries times the gallery as it is; the gallery's norms divide the scores afterwards."""
        unit = unit_rows(query.vectors)

        def score(gallery: Tile) -> torch.Tensor:
            scores = self.dtype.product(unit, gallery.vectors)
            return scores if self.unit_gallery else scores.mul_(inverse_norms(gallery.vectors))

        return score

    def pairs(
        self,
        query: Embeddings,
        gallery: Embeddings,
        starts: NDArray[np.integer],
        columns: NDArray[np.integer],
    ) -> Scores:
        """As for any similarity; float32 vectors on a CPU are read where they lie."""
        vectors = query.vectors, gallery.vectors
        if self.device != "cpu" or any(v.dtype != np.float32 or not v.flags.c_contiguous for v in vectors):
            return super().pairs(query, gallery, starts, columns)
        self.check(query, gallery)
        scores = np.empty(len(columns), np.float32)
        places = np.asarray(starts, np.int64), np.asarray(columns, np.int64)
        over_pieces(_cosines, len(query), *(np.asarray(v) for v in vectors), *places, scores)
        return scores

    def distances(self, scores: Scores) -> Scores:
        """The Euclidean distance of the unit vectors, sqrt(2 - 2 s)."""
        return chord(scores)


@dataclass(frozen=True)
class Euclidean(Similarity):
    """Minus the Euclidean distance of the vectors as they are. Masks are ignored.

    Computed as |q|^2 + |g|^2 - 2 q.g in float32: a distance below 0.0005 of the vectors' length is noise.

    Attributes:
        dtype: of the matrix product.
        device: where torch computes.

    >>> from glimpse.embeddings import Embeddings
    >>> Euclidean().pairwise(Embeddings(np.array([[0.0, 0.0]])), Embeddings(np.array([[3.0, 4.0]])))
    array([[-5.]], dtype=float32)
    """

    dtype: MatmulDtype = MatmulDtype.FLOAT32
    device: str = "cpu"

    def scorer(self, query: Tile) -> TileScorer:
        """One product, then the squared lengths are added."""
        doubled = query.vectors * 2
        lengths = query.vectors.square().sum(1, keepdim=True)

        def score(gallery: Tile) -> torch.Tensor:
            scores = self.dtype.product(doubled, gallery.vectors)
            scores.sub_(lengths).sub_(gallery.vectors.square().sum(1))
            return scores.clamp_max_(0).neg_().sqrt_().neg_()

        return score

    def distances(self, scores: Scores) -> Scores:
        """The distances themselves."""
        return -scores


@compiled_fastmath
def _cosines(first, last, query, gallery, starts, columns, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The cosine of each chosen pair; the gallery's norm comes with the same reading."""
    for i in range(first, last):
        own = np.float32(0)
        for c in range(query.shape[1]):
            own += query[i, c] * query[i, c]
        for pair in range(starts[i], starts[i + 1]):
            g = columns[pair]
            dot = length = np.float32(0)
            for c in range(query.shape[1]):
                value = gallery[g, c]
                dot += query[i, c] * value
                length += value * value
            norms = np.sqrt(own) * np.sqrt(length)
            scores[pair] = dot / norms if norms > 0 else np.float32(0)


@compiled_fastmath
def _inverse_norms(first, last, vectors, inverse):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One pass, where torch takes several and wakes all its threads for each."""
    for i in range(first, last):
        length = np.float32(0)
        for c in range(vectors.shape[1]):
            length += vectors[i, c] * vectors[i, c]
        inverse[i] = np.float32(1) / np.sqrt(length) if length > 0 else np.float32(0)


def unit_rows(vectors: torch.Tensor) -> torch.Tensor:
    """Rows [N, D] of length 1; a zero row stays zero."""
    return vectors * inverse_norms(vectors)[:, None]


def inverse_norms(vectors: torch.Tensor) -> torch.Tensor:
    """1 / |row| for each row [N], 0 for a zero row."""
    if vectors.device.type == "cpu" and vectors.is_contiguous():
        inverse = torch.empty(len(vectors))
        over_pieces(_inverse_norms, len(vectors), vectors.numpy(), inverse.numpy())
        return inverse
    norms = torch.linalg.vector_norm(vectors, dim=1)
    return torch.where(norms > 0, norms.reciprocal(), 0.0)


def chord(scores: Scores) -> Scores:
    """The distance of two unit vectors whose cosine is given, sqrt(2 - 2 s), at least 0.

    >>> chord(np.array([1.0, 0.5, -1.0], np.float32))
    array([0., 1., 2.], dtype=float32)
    """
    distances = np.multiply(scores, np.float32(-2), dtype=np.float32)
    distances += np.float32(2)
    np.maximum(distances, np.float32(0), out=distances)
    return np.sqrt(distances, out=distances)
