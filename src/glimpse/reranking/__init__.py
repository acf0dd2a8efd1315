"""Re-ranking: better scores from the neighborhoods of queries and gallery.

Each re-ranking has `scores(query, gallery, similarity)`, which takes the place of `similarity.pairwise`.
"""

from typing import Protocol

from glimpse.embeddings import Embeddings
from glimpse.reranking.k_reciprocal import KReciprocal
from glimpse.reranking.query_expansion import AlphaQueryExpansion
from glimpse.reranking.sim import GallerySide, Mode, Norm, SimilarityInference, Steps
from glimpse.reranking.sim_side import IncrementalSide
from glimpse.similarity.base import Scores, Similarity


class Reranker(Protocol):
    """What a re-ranking has to offer."""

    def scores(self, query: Embeddings, gallery: Embeddings, similarity: Similarity) -> Scores:
        """Scores [Q, G], higher is better."""
        ...


__all__ = [
    "AlphaQueryExpansion",
    "GallerySide",
    "IncrementalSide",
    "KReciprocal",
    "Mode",
    "Norm",
    "Reranker",
    "SimilarityInference",
    "Steps",
]
