"""Which parts of a picture a score rests on: integrated gradients of the pixels, summed over patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.encoders.position import Grid
from glimpse.encoders.vit import ViT
from glimpse.errors import OptionError
from glimpse.methods.network import EmbeddingNetwork
from glimpse.records import IntArray
from glimpse.retriever import NetworkEncoder
from glimpse.retriever.encoder import Pixels, check_pixels
from glimpse.retriever.network_encoder import embed_images, normalised
from glimpse.similarity import Cosine, MaskedCosine, Similarity
from glimpse.similarity.side import Side

Maps = NDArray[np.float32]

STEPS = 32  # our choice: the maps then sum up to the score to about a hundredth
CELLS = (16, 8)  # our choice for networks that have no patches


@dataclass(frozen=True, eq=False)
class Support:
    """What supports the scores of B pictures, patch by patch.

    Attributes:
        plain: [B, rows, columns]; what each patch adds to the score with the mask off.
        masked: [B, rows, columns]; what it adds in the dimensions that the picture's own mask keeps; None
            where no mask counts.
    """

    plain: Maps
    masked: Maps | None = None

    @property
    def difference(self) -> Maps | None:
        """What the mask changes: positive where it makes a patch count for more."""
        return None if self.masked is None else self.masked - self.plain


def support(encoder: NetworkEncoder, similarity: Similarity, pixels: Pixels, cameras: IntArray) -> Support:
    """What each patch adds to the score of a picture with itself.

    Let v(x) be the vector of a picture x, m its mask, and s the retriever's own score. A picture's score with
    itself, `F(x') = s(v(x'), v(x))` under the mask m that the whole picture x has, is highest at x' = x. The
    map tells how it gets there from an empty picture x0, grey like the mean that the network is normalised
    with: each pixel adds its integrated gradient `(x - x0) * mean of dF/dx' over the straight way from x0 to
    x` (Sundararajan and others, 2017), and a patch adds what its pixels add. So a map sums up to
    F(x) - F(x0), a patch that the kept dimensions do not depend on gets zero, and one that speaks against
    them is negative. `plain` is the same without a mask; for a mask that is the same for all dimensions there
    is no difference.

    Patches that overlap share their pixels: each pixel belongs to the cell of the grid that it lies in.

    Args:
        encoder: a network, with or without masks.
        similarity: a cosine, masked or not.
        pixels: uint8 `[B, H, W, 3]`, prepared for the encoder.
        cameras: `[B]`.
    """
    check_pixels(pixels, encoder.card.image)
    if not isinstance(similarity, Cosine | MaskedCosine):
        raise OptionError(f"maps are made of cosines, masked or not, not of {type(similarity).__name__}")
    network = cast("EmbeddingNetwork", encoder.network)
    images = normalised(torch.from_numpy(pixels).to(encoder.device), encoder.card)
    places = torch.from_numpy(encoder.card.camera_rows(cameras)).to(encoder.device)

    def embedded(some: Tensor) -> tuple[Tensor, Tensor | None]:
        return embed_images(network, some, places, encoder.flip)

    with torch.inference_mode():
        own, masks = embedded(images)
    own = own.clone()  # an inference tensor cannot take part in gradients, its copy can
    scores = [_own_scores(own, None, Side.NONE)]
    if masks is not None and isinstance(similarity, MaskedCosine):
        scores.append(_own_scores(own, masks.clone(), similarity.side))
    grid = grid_of(encoder)
    maps = [in_cells(one, grid) for one in _gradients(lambda some: embedded(some)[0], images, scores)]
    return Support(*maps)


def grid_of(encoder: NetworkEncoder) -> Grid:
    """Rows and columns of the network's patches; 16 by 8 cells for a network without patches."""
    grids = [module.grid for module in encoder.network.modules() if isinstance(module, ViT)]
    return grids[0] if grids else CELLS


def in_cells(values: Tensor, grid: Grid) -> Maps:
    """The sums of pixels `[B, H, W]` in the cells of a grid, `[B, rows, columns]`.

    >>> in_cells(torch.ones(1, 4, 3), (2, 3)).tolist()
    [[[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]]
    """
    (height, width), (rows, columns) = values.shape[1:], grid
    down = torch.nn.functional.one_hot(torch.arange(height) * rows // height, rows).to(values)
    across = torch.nn.functional.one_hot(torch.arange(width) * columns // width, columns).to(values)
    return (down.T @ values @ across).numpy(force=True)


def _own_scores(own: Tensor, masks: Tensor | None, side: Side) -> Callable[[Tensor], Tensor]:
    """How vectors `[B, D]` score, each with its row of `own` that has the same mask (`Side`)."""
    trust = torch.ones_like(own) if masks is None else masks
    nothing = torch.ones_like(own)
    left = trust if side in (Side.GALLERY, Side.BOTH, Side.SUBSPACE) else nothing
    right = trust if side in (Side.QUERY, Side.BOTH, Side.SUBSPACE) else nothing

    def scores(vectors: Tensor) -> Tensor:
        return torch.nn.functional.cosine_similarity(left * vectors, right * own)

    return scores


def _gradients(
    embed: Callable[[Tensor], Tensor], images: Tensor, scores: list[Callable[[Tensor], Tensor]]
) -> list[Tensor]:
    """Integrated gradients `[B, H, W]` of several scores, from the grey picture, which is all zeros."""
    sums = [torch.zeros_like(images) for _ in scores]
    for step in range(STEPS):
        on_the_way = (images * ((step + 0.5) / STEPS)).requires_grad_()
        vectors = embed(on_the_way)
        for number, score in enumerate(scores):
            kept = number + 1 < len(scores)
            (gradient,) = torch.autograd.grad(score(vectors).sum(), on_the_way, retain_graph=kept)
            sums[number] += gradient
    return [(images * total / STEPS).sum(1) for total in sums]
