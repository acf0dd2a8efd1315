"""Similarities: scores between two `Embeddings`, higher is better; all scores or the best k, in tiles."""

from glimpse.similarity.base import Similarity
from glimpse.similarity.cosine import Cosine, Euclidean, Precision
from glimpse.similarity.selection import TopK

__all__ = ["Cosine", "Euclidean", "Precision", "Similarity", "TopK"]
