"""`AlphaQueryExpansion`: a query averaged with its best gallery rows, then searched again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.similarity.base import Scores, Similarity


@dataclass(frozen=True)
class AlphaQueryExpansion:
    """Alpha query expansion (Radenovic et al., TPAMI 2019): q' = unit(q) + sum of max(s, 0)^alpha unit(g).

    The sum is over the query's `nearest` gallery rows, s their scores, which are expected to be at most 1, as
    a cosine or a Jaccard coefficient is. The query keeps its mask. No distances are involved.

    Attributes:
        nearest: gallery rows (our choice: person galleries hold few images of one person).
        alpha: the larger, the less a doubtful row counts (given by the source); 0 is the plain mean.
    """

    nearest: int = 5
    alpha: float = 3.0

    def __post_init__(self) -> None:
        if self.nearest < 0 or self.alpha < 0:
            raise OptionError(f"nearest and alpha must be at least 0, got {self.nearest} and {self.alpha}")

    def expand(self, query: Embeddings, gallery: Embeddings, similarity: Similarity) -> Embeddings:
        """The expanded queries [Q, D], of length 1."""
        found = similarity.top_k(query, gallery, self.nearest)
        shares = np.maximum(found.scores, 0).astype(np.float64) ** self.alpha
        expanded = _unit(query.vectors.astype(np.float64))
        for place in range(found.rows.shape[1]):
            nearest = _unit(gallery.vectors[found.rows[:, place]].astype(np.float64))
            expanded += shares[:, place, None] * nearest
        return Embeddings(_unit(expanded).astype(query.vectors.dtype), query.masks)

    def scores(self, query: Embeddings, gallery: Embeddings, similarity: Similarity) -> Scores:
        """The similarity's scores [Q, G] of the expanded queries."""
        return similarity.pairwise(self.expand(query, gallery, similarity), gallery)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
