"""`PartCosine`: the mean cosine of the parts that both images show."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer
from glimpse.similarity.cosine import MatmulDtype, chord


@dataclass(frozen=True)
class PartCosine(Similarity):
    """Part-based similarity with visibilities, sum_p w_p cos(q_p, g_p) / sum_p w_p, w_p = sqrt(v_p u_p).

    The vectors are P parts of d dimensions, one after the other. The visibilities v (query) and u
    (gallery) are the mean of the masks over a part: 0 or 1, or anything between. Because the weight
    factors into sqrt(v) sqrt(u), the numerator is one matrix product of width P d and the denominator one
    of width P; no part keeps its own Q x G.

    Attributes:
        parts: P.
        nothing_common: the score of a pair that shows no common part (our choice: the lowest cosine, so
            that such a pair comes after every pair with something to compare).
        dtype: of the matrix products.
        device: where torch computes.

    >>> import numpy as np
    >>> query = Embeddings(np.array([[1.0, 0, 0, 1]]), np.array([[1.0, 1, 0.25, 0.25]]))
    >>> gallery = Embeddings(np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]]))
    >>> PartCosine(parts=2).pairwise(query, gallery).round(4)
    array([[0.6667, 0.3333]], dtype=float32)
    """

    parts: int
    nothing_common: float = -1.0
    dtype: MatmulDtype = MatmulDtype.FLOAT32
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.parts < 1:
            raise OptionError(f"parts must be at least 1, got {self.parts}")

    def check(self, query: Embeddings, gallery: Embeddings) -> None:
        """Refuse vectors that are not P parts of one width."""
        super().check(query, gallery)
        if query.dim % self.parts:
            raise ShapeError(f"vectors must be {self.parts} parts of one width, got {query.dim} dimensions")

    def scorer(self, query: Tile) -> TileScorer:
        """The two products."""
        ours, our_weights = self._operands(query)

        def score(gallery: Tile) -> torch.Tensor:
            theirs, their_weights = self._operands(gallery)
            scores = self.dtype.product(ours, theirs)
            total = our_weights @ their_weights.T
            return torch.where(total > 0, scores.div_(total), self.nothing_common)

        return score

    def distances(self, scores: Scores) -> Scores:
        """As for the cosine, sqrt(2 - 2 s)."""
        return chord(scores)

    def _operands(self, tile: Tile) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit parts times the root of their visibility [n, P d], and those roots [n, P]."""
        shape = (len(tile), self.parts, tile.vectors.shape[1] // self.parts)
        unit = torch.nn.functional.normalize(tile.vectors.reshape(shape), dim=2, eps=1e-30)
        if tile.masks is None:
            roots = unit.new_ones(shape[:2])
        else:
            roots = tile.masks.reshape(shape).mean(2).sqrt()
        return (unit * roots[:, :, None]).flatten(1), roots
