"""`KReciprocal`: re-ranking by mutual neighbors among queries and gallery together, sparse throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from glimpse.compiled import compiled, over_pieces
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.reranking.k_reciprocal_sets import compressed, entries, neighbor_weights
from glimpse.reranking.neighbors import (
    Distances,
    EmbeddedSearch,
    KeepTile,
    MatrixSearch,
    Neighbors,
    NeighborSearch,
)
from glimpse.similarity.base import Scores, Similarity

# our choice: neighbors kept beyond those needed, because expanded sets look their distances up in the lists
SPARE = 3


@dataclass(frozen=True)
class KReciprocal:
    """k-reciprocal encoding (Zhong et al., CVPR 2017), the variant of its authors' code.

    With all queries and the gallery as one set of N points and d their (unsquared) distances:
    1. a(i, j) = d(i, j)^2 / max_j d(i, j)^2; the distances that are given are not squared;
    2. R*(i), the expanded k1-reciprocal set, from lists of k1 + 1 points, the point itself included;
    3. V_i = exp(-a) on R*(i), sum 1; then the mean of V over the first k2 points of i's list;
    4. d*(q, g) = (1 - weight) * (1 - m / (2 - m)) + weight * a(q, g), m = sum of min(V_q, V_g).

    The result for a query depends on the other queries. Nothing of size N x N is held: neighbor lists, the
    sparse V and the result. Equal distances are ordered by number.

    Attributes:
        k1: the neighborhood (given by the source).
        k2: points over which V is averaged; 1 for none (given by the source).
        weight: lambda, share of the first distance (given by the source).
        k_plus_self: whether lists of k hold k + 1 points (the authors' code) or k.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3
    k_plus_self: bool = True

    def __post_init__(self) -> None:
        if self.k1 < 1 or self.k2 < 1 or not 0 <= self.weight <= 1:
            raise OptionError(
                "k1 and k2 must be at least 1 and weight in [0, 1], got "
                f"{self.k1}, {self.k2} and {self.weight}"
            )

    def scores(self, query: Embeddings, gallery: Embeddings, similarity: Similarity) -> Scores:
        """Better scores [Q, G], higher is better, from embeddings under any similarity.

        The distances are `similarity.distances`: Euclidean distances of unit vectors for `Cosine`. Under a
        similarity that is not symmetric, row i holds the distances as seen from i.
        """
        result = np.empty((len(query), len(gallery)), np.float32)

        def keep(part: int, rows: slice, other: int, columns: slice, tile: torch.Tensor) -> None:
            if (part, other) == (0, 1):
                result[rows, columns] = similarity.distances(tile.numpy(force=True))

        return self._encode(EmbeddedSearch([query, gallery], similarity), result, keep)

    def rerank(
        self,
        query_gallery: NDArray[np.floating],
        query_query: NDArray[np.floating],
        gallery_gallery: NDArray[np.floating],
    ) -> Scores:
        """Better scores [Q, G] from given unsquared distances [Q, G], [Q, Q] and [G, G]."""
        search = MatrixSearch([[query_query, query_gallery], [query_gallery.T, gallery_gallery]])
        return self._encode(search, np.array(query_gallery, np.float32, order="C"))

    def _encode(self, search: NeighborSearch, result: Distances, keep: KeepTile | None = None) -> Scores:
        """Turn the distances in `result`, which `keep` may still have to fill, into scores."""
        if not result.size:
            return result
        queries = len(result)
        longest = max(entries(self.k1, self.k_plus_self), self.k2)
        near = search.neighbors(SPARE * longest, keep)
        encoded = self._averaged(neighbor_weights(search, near, self.k1, self.k_plus_self), near)
        ours, columns = encoded[:queries], encoded[queries:].tocsc()
        over_pieces(
            _blend,
            queries,
            result,
            near.farthest[:queries],
            compressed(ours),
            compressed(columns),
            float(self.weight),
        )
        return np.negative(result, out=result)

    def _averaged(self, weights: csr_array, near: Neighbors) -> csr_array:
        """V averaged over the first k2 points of each list."""
        if self.k2 == 1:
            return weights
        first = near.rows[:, : self.k2]
        count, used = first.shape
        starts = np.arange(count + 1) * used
        mean = csr_array(
            (np.full(first.size, 1 / used, np.float32), first.ravel(), starts), shape=weights.shape
        )
        return csr_array(mean @ weights)


@compiled
def _blend(first, last, distances, farthest, query, gallery, weight):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Step 4, over [Q, G] distances in place.

    Args:
        first: query row.
        last: query row after the last.
        distances: [Q, G] float32, overwritten.
        farthest: [Q].
        query: CSR of V, rows of the queries.
        gallery: CSC of V, rows of the gallery.
        weight: lambda.
    """
    starts, members, weights = query
    tops, holders, shares = gallery
    for q in range(first, last):
        overlap = np.zeros(distances.shape[1], np.float32)
        for entry in range(starts[q], starts[q + 1]):
            t, own = members[entry], weights[entry]
            for place in range(tops[t], tops[t + 1]):
                overlap[holders[place]] += min(own, shares[place])
        far = np.float64(farthest[q])
        inverse = 1 / (far * far) if far > 0 else 0.0
        for g in range(distances.shape[1]):
            common = np.float64(overlap[g])
            apart = 1 - common / (2 - common)
            distances[q, g] = weight * inverse * np.float64(distances[q, g]) ** 2 + (1 - weight) * apart
