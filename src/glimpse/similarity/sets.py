"""`SetJaccard`: vectors of non-negative activations compared as fuzzy sets (MoS)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity.base import VECTOR_TILE, Scores, Similarity, Tile, TileScorer, blocks, tile_of
from glimpse.similarity.min_sum import jaccards, pack

# our choice: 64 MiB of differences at a time where pairs are spread out over dimensions
SPREAD = 2**24


@dataclass(frozen=True)
class SetJaccard(Similarity):
    """The Jaccard coefficient sum(min(a, b)) / sum(max(a, b)) of two fuzzy sets, in [0, 1].

    With S the sum of both vectors, both forms are (S - L) / (S + L): L = |a - b|_1
    for the hard one, L = sum(d tanh(tau d / 2)), d = a - b, for the soft one. Two empty sets score 0.
    Vectors must be non-negative (features after a ReLU, not after a batch norm). Masks are ignored.

    On a CPU the hard form is a packed kernel; the soft form, and any form on a GPU, spreads pairs out over
    the dimensions in small tiles.

    Attributes:
        tau: None for the hard form; the soft one approaches it from above as tau grows.
        device: where it is computed.

    >>> query, gallery = Embeddings(np.array([[1.0, 0, 2]])), Embeddings(np.array([[0.0, 1, 2]]))
    >>> SetJaccard().pairwise(query, gallery), SetJaccard(tau=1).pairwise(query, gallery).round(4)
    (array([[0.5]], dtype=float32), array([[0.733]], dtype=float32))
    """

    tau: float | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.tau is not None and not self.tau > 0:
            raise OptionError(f"tau must be above 0, or None for the hard form, got {self.tau}")

    def check(self, query: Embeddings, gallery: Embeddings) -> None:
        """Refuse negative activations, naming the first row that has one."""
        super().check(query, gallery)
        for name, embeddings in (("query", query), ("gallery", gallery)):
            check_not_negative(f"{name} vectors", embeddings.vectors)

    @property
    def _packs(self) -> bool:
        return self.tau is None and torch.device(self.device).type == "cpu"

    def pairwise(self, query: Embeddings, gallery: Embeddings) -> Scores:
        """All scores, [Q, G]; the packed kernel writes them where they belong."""
        if not self._packs:
            return super().pairwise(query, gallery)
        self.check(query, gallery)
        scores = np.empty((len(query), len(gallery)), np.float32)
        rows = max(1, VECTOR_TILE // max(1, gallery.dim))
        for columns in blocks(len(gallery), rows):
            right = pack(tile_of(gallery, columns, self.device).vectors.numpy())
            for part in blocks(len(query), rows):
                left = pack(tile_of(query, part, self.device).vectors.numpy())
                jaccards(left, right, scores[part, columns])
        return scores

    def scorer(self, query: Tile) -> TileScorer:
        """The packed kernel, or the spread-out form."""
        if self._packs:
            packed = pack(query.vectors.numpy())

            def score_packed(gallery: Tile) -> torch.Tensor:
                scores = torch.empty(len(query), len(gallery))
                jaccards(packed, pack(gallery.vectors.numpy()), scores.numpy())
                return scores

            return score_packed

        sizes = _sizes(query)
        gap = torch.abs if self.tau is None else _soft_gap(self.tau)

        def score_spread(gallery: Tile) -> torch.Tensor:
            total = sizes[:, None] + _sizes(gallery)
            apart = torch.empty_like(total)
            rows = max(1, SPREAD // max(1, gallery.vectors.numel()))
            for block in blocks(len(query), rows):
                apart[block] = gap(query.vectors[block, None] - gallery.vectors).sum(2)
            # two empty sets share nothing
            return torch.where(total > 0, (total - apart) / (total + apart), 0.0).clamp_(0, 1)

        return score_spread

    def distances(self, scores: Scores) -> Scores:
        """The Jaccard distance 1 - s."""
        return 1 - scores


def check_not_negative(name: str, values: FloatArray) -> None:
    """Refuse negative numbers in [N, D], naming the first row that has one.

    >>> check_not_negative("vectors", np.array([[0.0], [-1.0]]))
    Traceback (most recent call last):
    ...
    glimpse.errors.ShapeError: vectors must be non-negative for a set similarity, got -1.0 in row 1
    """
    for rows in blocks(len(values), max(1, SPREAD // max(1, values.shape[1]))):
        part = values[rows]
        if part.size and part.min() < 0:
            row, column = np.argwhere(part < 0)[0]
            raise ShapeError(
                f"{name} must be non-negative for a set similarity, got {part[row, column]} "
                f"in row {rows.start + row}"
            )


def _soft_gap(tau: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda difference: torch.mul(difference, tau / 2).tanh_().mul_(difference)


def _sizes(tile: Tile) -> torch.Tensor:
    return tile.vectors.sum(1, dtype=torch.float64).float()
