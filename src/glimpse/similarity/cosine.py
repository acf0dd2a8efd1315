"""`Cosine` and `Euclidean`: the similarities of plain vectors, one matrix product each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch

from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer


class Precision(Enum):
    """In what the matrix products are computed; everything else is float32.

    BFLOAT16 keeps 8 bits of each score: meant for the first of `TwoPass`, three times as fast on a CPU
    with AMX and more on a GPU.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    def product(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Left [Q, D] times right [g, D] transposed, as float32 [Q, g]."""
        if self is Precision.BFLOAT16:
            return (left.bfloat16() @ right.bfloat16().T).float()
        return left @ right.T


@dataclass(frozen=True)
class Cosine(Similarity):
    """The cosine of the angle between two vectors; 0 where one of them is zero. Masks are ignored.

    Attributes:
        unit_gallery: the gallery's vectors are known to have length 1, so no norm is computed; this
            halves the time of a single query.
        precision: of the matrix product.
        device: where torch computes.

    >>> from glimpse.embeddings import Embeddings
    >>> query, gallery = Embeddings(np.array([[1.0, 2, 2]])), Embeddings(np.array([[2.0, 1, 2], [0, 3, 4]]))
    >>> Cosine().pairwise(query, gallery).round(3)
    array([[0.889, 0.933]], dtype=float32)
    >>> Cosine().top_k(query, gallery, k=1).rows
    array([[1]])
    """

    unit_gallery: bool = False
    precision: Precision = Precision.FLOAT32
    device: str = "cpu"

    def scorer(self, query: Tile) -> TileScorer:
        """Unit queries times the gallery as it is; the gallery's norms divide the scores afterwards."""
        unit = unit_rows(query.vectors)

        def score(gallery: Tile) -> torch.Tensor:
            scores = self.precision.product(unit, gallery.vectors)
            return scores if self.unit_gallery else scores.mul_(inverse_norms(gallery.vectors))

        return score

    def distances(self, scores: Scores) -> Scores:
        """The Euclidean distance of the unit vectors, sqrt(2 - 2 s)."""
        return chord(scores)


@dataclass(frozen=True)
class Euclidean(Similarity):
    """Minus the Euclidean distance of the vectors as they are. Masks are ignored.

    Computed as |q|^2 + |g|^2 - 2 q.g in float32: a distance below 0.0005 of the vectors' length is noise.

    Attributes:
        precision: of the matrix product.
        device: where torch computes.

    >>> from glimpse.embeddings import Embeddings
    >>> Euclidean().pairwise(Embeddings(np.array([[0.0, 0.0]])), Embeddings(np.array([[3.0, 4.0]])))
    array([[-5.]], dtype=float32)
    """

    precision: Precision = Precision.FLOAT32
    device: str = "cpu"

    def scorer(self, query: Tile) -> TileScorer:
        """One product, then the squared lengths are added."""
        doubled = query.vectors * 2
        lengths = query.vectors.square().sum(1, keepdim=True)

        def score(gallery: Tile) -> torch.Tensor:
            scores = self.precision.product(doubled, gallery.vectors)
            scores.sub_(lengths).sub_(gallery.vectors.square().sum(1))
            return scores.clamp_max_(0).neg_().sqrt_().neg_()

        return score

    def distances(self, scores: Scores) -> Scores:
        """The distances themselves."""
        return -scores


def unit_rows(vectors: torch.Tensor) -> torch.Tensor:
    """Rows [N, D] of length 1; a zero row stays zero."""
    return vectors * inverse_norms(vectors)[:, None]


def inverse_norms(vectors: torch.Tensor) -> torch.Tensor:
    """1 / |row| for each row [N], 0 for a zero row."""
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
