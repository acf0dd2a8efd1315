"""Attribution maps: which pixels a retriever's own score rests on, by integrated gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.choices import MaskSide
from glimpse.errors import OptionError
from glimpse.explain.drawing import INK, Cell, Row, draw_sheet, heat
from glimpse.explain.report import Figure
from glimpse.models.backbones.position import Grid
from glimpse.models.backbones.vit import ViT
from glimpse.models.factory import EmbeddingNetwork
from glimpse.models.taken import Taken
from glimpse.pixels import decode, resize
from glimpse.progress import Progress
from glimpse.records import Capture, Records
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.retriever.embedding import ahead
from glimpse.retriever.encoders.base import Pixels, check_pixels
from glimpse.retriever.encoders.network import embed_images, normalized
from glimpse.runtime import cores, one_core_each
from glimpse.similarity import Cosine, MaskedCosine, Similarity

Maps = NDArray[np.float32]

STEPS = 32  # our choice: the maps then sum up to the score to about a hundredth
CELLS = (16, 8)  # our choice for networks that have no patches


@dataclass(frozen=True, eq=False)
class Support:
    """Attribution maps of B images.

    Attributes:
        plain: [B, rows, columns]; what each patch adds to the score with the mask off.
        masked: [B, rows, columns]; what it adds in the dimensions that the image's own mask keeps; None
            where no mask counts.
    """

    plain: Maps
    masked: Maps | None = None

    @property
    def difference(self) -> Maps | None:
        """What the mask changes: positive where it makes a patch count for more."""
        return None if self.masked is None else self.masked - self.plain


def support(encoder: NetworkEncoder, similarity: Similarity, pixels: Pixels, capture: Capture) -> Support:
    """What each patch adds to the score of an image with itself.

    Let v(x) be the vector of an image x, m its mask, and s the retriever's own score. An image's score with
    itself, `F(x') = s(v(x'), v(x))` under the mask m that the whole image x has, is highest at x' = x. The
    map is taken from an empty image x0, gray like the mean that the network is normalized with: each pixel
    adds its integrated gradient `(x - x0) * mean of dF/dx' over the straight way from x0 to
    x` (Sundararajan and others, 2017), and a patch adds what its pixels add. So a map sums up to
    F(x) - F(x0), a patch that the kept dimensions do not depend on gets zero, and one that speaks against
    them is negative. `plain` is the same without a mask; for a mask that is the same for all dimensions there
    is no difference.

    Patches that overlap share their pixels: each pixel belongs to the cell of the grid that it lies in.

    Args:
        encoder: a network, with or without masks.
        similarity: a cosine, masked or not.
        pixels: uint8 `[B, H, W, 3]`, prepared for the encoder.
        capture: what the B images were taken with.
    """
    check_pixels(pixels, encoder.card.image)
    if not isinstance(similarity, Cosine | MaskedCosine):
        raise OptionError(f"maps are made of cosines, masked or not, not of {type(similarity).__name__}")
    network = cast("EmbeddingNetwork", encoder.network)
    images = normalized(torch.from_numpy(pixels).to(encoder.device), encoder.card)
    taken = Taken.of(capture, encoder.card, encoder.device)

    def embedded(some: Tensor) -> tuple[Tensor, Tensor | None]:
        return embed_images(network, some, taken, encoder.flip)

    with torch.inference_mode():
        own, masks = embedded(images)
    own = own.clone()  # an inference tensor cannot take part in gradients, its copy can
    scores = [_own_scores(own, None, MaskSide.NONE)]
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


def _own_scores(own: Tensor, masks: Tensor | None, side: MaskSide) -> Callable[[Tensor], Tensor]:
    """How vectors `[B, D]` score, each with its row of `own` that has the same mask (`MaskSide`)."""
    trust = torch.ones_like(own) if masks is None else masks
    nothing = torch.ones_like(own)
    left = trust if side in (MaskSide.GALLERY, MaskSide.BOTH, MaskSide.SUBSPACE) else nothing
    right = trust if side in (MaskSide.QUERY, MaskSide.BOTH, MaskSide.SUBSPACE) else nothing

    def scores(vectors: Tensor) -> Tensor:
        return torch.nn.functional.cosine_similarity(left * vectors, right * own)

    return scores


def _gradients(
    embed: Callable[[Tensor], Tensor], images: Tensor, scores: list[Callable[[Tensor], Tensor]]
) -> list[Tensor]:
    """Integrated gradients `[B, H, W]` of several scores, from the gray image, which is all zeros."""
    sums = [torch.zeros_like(images) for _ in scores]
    for step in range(STEPS):
        on_the_way = (images * ((step + 0.5) / STEPS)).requires_grad_()
        vectors = embed(on_the_way)
        for number, score in enumerate(scores):
            kept = number + 1 < len(scores)
            (gradient,) = torch.autograd.grad(score(vectors).sum(), on_the_way, retain_graph=kept)
            sums[number] += gradient
    return [(images * total / STEPS).sum(1) for total in sums]


def why_no_maps(retriever: Retriever) -> str:
    """The reason why maps cannot be made; empty if they can."""
    if not isinstance(retriever.encoder, NetworkEncoder):
        return (
            f"There are no maps: they need a network in torch, and this encoder is of kind "
            f"{retriever.encoder.kind}."
        )
    if not isinstance(retriever.similarity, Cosine | MaskedCosine):
        name = type(retriever.similarity).__name__
        return f"There are no maps: they are made of cosines, not of {name}."
    return ""


def support_figures(retriever: Retriever, queries: Records, progress: Progress) -> list[Figure]:
    """A figure for each image; only where `why_no_maps` has no reason."""
    encoder = retriever.encoder
    if not isinstance(encoder, NetworkEncoder):
        raise AssertionError("why_no_maps is checked before")

    def figure(row: int) -> Figure:
        # one image at a time: large networks keep much for each gradient
        image = decode(queries.path[row])
        pixels = resize(image, encoder.preparation.size, encoder.preparation.filter)
        found = support(encoder, retriever.similarity, pixels[None], Capture.of(queries[row : row + 1]))
        return _figure(f"query-{row + 1}-support", image, found)

    figures = []
    with progress("maps", len(queries)) as advance, _pace(encoder) as in_order:
        for one in in_order(figure, range(len(queries))):
            figures.append(one)
            advance(1)
    return figures


@contextmanager
def _pace(encoder: NetworkEncoder) -> Iterator[Callable[[Callable[[int], Figure], range], Iterable[Figure]]]:
    """A map function in order: by threads of one core each on a CPU, as embedding does it."""
    if encoder.concurrent:
        with one_core_each() as initialize:
            yield lambda function, rows: ahead(function, rows, cores(), initialize)
    else:
        yield map


def _figure(name: str, image: NDArray[np.uint8], found: Support) -> Figure:
    plain, titles = found.plain[0], ["query", "support"]
    scale = float(np.abs(plain).max())
    cells, alt = [], f"The image and its map; strongest {_place(plain)}."
    tail = ""
    if found.masked is not None and found.difference is not None:
        masked, difference = found.masked[0], found.difference[0]
        scale, changed = max(scale, float(np.abs(masked).max())), float(np.abs(difference).max())
        titles = ["query", "kept", "mask off", "difference"]
        cells = [
            heat(image, masked, scale),
            heat(image, plain, scale),
            heat(image, difference, changed),
        ]
        alt = (
            "The image, its map in the kept dimensions, the map with the mask off, and their difference; "
            f"strongest {_place(masked)}; the mask adds most {_place(difference)}."
        )
        tail = f", in the difference {changed:.3f}, {_share(changed, scale)}"
    row = Row((Cell(image, INK), *(Cell(one) for one in cells or [heat(image, plain, scale)])))
    caption = f"Orange patches carry the score, blue ones speak against it. Full hue is {scale:.3f}{tail}."
    return Figure(name, draw_sheet([row], titles), alt, caption)


def _place(values: NDArray[np.floating]) -> str:
    """Where the highest value of a map is."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    return f"in row {row + 1} of {values.shape[0]}, column {column + 1} of {values.shape[1]}"


def _share(changed: float, scale: float) -> str:
    return f"{100 * changed / scale:.0f} % of that" if scale else "as the map is empty"
