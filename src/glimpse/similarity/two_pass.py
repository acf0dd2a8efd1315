"""`TwoPass`: a quick similarity chooses the candidates, an exact one scores them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer
from glimpse.similarity.selection import TopK


@dataclass(frozen=True)
class TwoPass(Similarity):
    """Search with `coarse`, score with `exact`.

    `top_k` takes `overfetch * k` candidates by the coarse similarity and scores these exactly: the scores
    are exact, and the result is the exact top-k if the candidates contain it. `pairwise` is exact alone.

    >>> from glimpse.similarity import Cosine, MatmulDtype
    >>> bf16_then_float32 = TwoPass(Cosine(dtype=MatmulDtype.BFLOAT16), Cosine())

    Attributes:
        coarse: what the candidates are searched with.
        exact: what the scores are.
        overfetch: candidates per wanted row (our choice).
    """

    coarse: Similarity
    exact: Similarity
    overfetch: int = 4

    def __post_init__(self) -> None:
        if self.overfetch < 1:
            raise OptionError(f"overfetch must be at least 1, got {self.overfetch}")

    @property
    def device(self) -> str:  # type: ignore[override]
        """The exact similarity's."""
        return self.exact.device

    @property
    def symmetric(self) -> bool:
        """As the exact similarity is."""
        return self.exact.symmetric

    def check(self, query: Embeddings, gallery: Embeddings) -> None:
        """Refuse what either similarity refuses."""
        self.coarse.check(query, gallery)
        self.exact.check(query, gallery)

    def scorer(self, query: Tile) -> TileScorer:
        """The exact scores."""
        return self.exact.scorer(query)

    def distances(self, scores: Scores) -> Scores:
        """The exact similarity's."""
        return self.exact.distances(scores)

    def scan(self, query: Embeddings, gallery: Embeddings, k: int) -> tuple[TopK, Scores]:
        """The best of the candidates; the lowest score is the coarse one."""
        found, lowest = self.coarse.scan(query, gallery, k * self.overfetch)
        # ascending rows, so that a stable sort breaks ties by row
        rows = np.sort(found.rows, 1)
        starts = np.arange(len(query) + 1) * rows.shape[1]
        scores = self.exact.pairs(query, gallery, starts, rows.ravel()).reshape(rows.shape)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return TopK(np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)), lowest
