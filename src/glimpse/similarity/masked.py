"""`MaskedCosine`: the cosine in the dimensions that an occluded query can be trusted in (DPM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.choices import MaskSide
from glimpse.embeddings import FloatArray
from glimpse.errors import ShapeError
from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer
from glimpse.similarity.cosine import MatmulDtype, chord, unit_rows

# our choice: squared masked lengths (of unit vectors, the highest weight being 1) count as zero below this
SHORTEST = 1e-30


class Powers(NamedTuple):
    """An operand of a matrix product, mask^mask * vector^vector per dimension."""

    mask: int
    vector: int


# The numerator's operands (query, gallery), then those of each factor of the squared masked length.
_PRODUCTS: dict[MaskSide, tuple[tuple[Powers, Powers], ...]] = {
    MaskSide.NONE: ((Powers(0, 1), Powers(0, 1)),),
    MaskSide.QUERY: ((Powers(1, 1), Powers(0, 1)), (Powers(2, 0), Powers(0, 2))),
    MaskSide.GALLERY: ((Powers(0, 1), Powers(1, 1)), (Powers(0, 2), Powers(2, 0))),
    MaskSide.BOTH: (
        (Powers(1, 1), Powers(1, 1)),
        (Powers(1, 2), Powers(1, 0)),
        (Powers(1, 0), Powers(1, 2)),
    ),
    MaskSide.SUBSPACE: ((Powers(2, 1), Powers(0, 1)), (Powers(2, 0), Powers(0, 2))),
}


@dataclass(frozen=True)
class MaskedCosine(Similarity):
    """A cosine whose dimensions are weighted by masks, as two or three matrix products.

    The plain loop forms a masked copy of the gallery for each query. Here the numerator is one product and
    the masked length the root of another: <q, unit(m g)> = (q m) . g / sqrt((m m) . (g g)).
    Embeddings without masks count as fully trusted; only the proportions within a mask matter; a pair whose
    masked length is zero scores 0.

    Attributes:
        side: whose mask is applied to what; the default is DPM's metric as released.
        dtype: of the matrix products.
        device: where torch computes.

    >>> from glimpse.embeddings import Embeddings
    >>> query = Embeddings(np.array([[1.0, 2, 2]]), np.array([[0.9, 0.5, 0.1]]))
    >>> MaskedCosine().pairwise(query, Embeddings(np.array([[2.0, 1, 2], [0, 3, 4]]))).round(4)
    array([[0.5677, 0.8159]], dtype=float32)
    """

    side: MaskSide = MaskSide.QUERY
    dtype: MatmulDtype = MatmulDtype.FLOAT32
    device: str = "cpu"

    @property
    def symmetric(self) -> bool:
        """Where both masks or none count."""
        return self.side in (MaskSide.NONE, MaskSide.BOTH)

    def scorer(self, query: Tile) -> TileScorer:
        """The products of the chosen side."""
        ours = _unit(query)
        if self.side is MaskSide.SUBSPACE:
            # the length |m q| is the query's own: divided out once, not once per pair
            inside = torch.linalg.vector_norm(_operand(ours, Powers(1, 1)), dim=1, keepdim=True)
            ours = Tile(torch.where(inside > 0, ours.vectors / inside, 0.0), ours.masks)
        products = _PRODUCTS[self.side]
        prepared = [_operand(ours, left) for left, _ in products]

        def score(gallery: Tile) -> torch.Tensor:
            theirs = _unit(gallery)
            numerator, *lengths = (
                self.dtype.product(left, _operand(theirs, right))
                for left, (_, right) in zip(prepared, products, strict=True)
            )
            for length in lengths:
                numerator.mul_(length.clamp_min_(SHORTEST).rsqrt_())
            return numerator

        return score

    def distances(self, scores: Scores) -> Scores:
        """As for the cosine, sqrt(2 - 2 s); for most sides it is not symmetric."""
        return chord(scores)


def _unit(tile: Tile) -> Tile:
    """Vectors of length 1, and masks whose highest weight is 1: proportions matter, underflow must not."""
    vectors = unit_rows(tile.vectors)
    if tile.masks is None or not tile.masks.numel():
        return Tile(vectors)
    highest = tile.masks.amax(1, keepdim=True)
    return Tile(vectors, torch.where(highest > 0, tile.masks / highest, 0.0))


def _operand(tile: Tile, powers: Powers) -> torch.Tensor:
    vectors = torch.ones_like(tile.vectors) if powers.vector == 0 else tile.vectors.pow(powers.vector)
    return vectors if tile.masks is None or powers.mask == 0 else vectors * tile.masks.pow(powers.mask)


def participation_ratio(masks: FloatArray) -> NDArray[np.float64]:
    """How many of its dimensions each mask [N, D] uses: (sum m)^2 / (D sum m^2), 1 if uniform, 0 if empty.

    >>> participation_ratio(np.array([[0.9, 0.5, 0.1], [1, 0, 0], [0.2, 0.2, 0.2]])).round(3)
    array([0.701, 0.333, 1.   ])
    """
    if masks.ndim != 2:
        raise ShapeError(f"masks must be [N, D], got {list(masks.shape)}")
    weights = np.asarray(masks, np.float64)
    squares = masks.shape[1] * np.square(weights).sum(1)
    ratio = np.zeros(len(masks))
    np.divide(np.square(weights.sum(1)), squares, out=ratio, where=squares > 0)
    return ratio
