"""Maps of what a score rests on, as figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from glimpse.explain.heat import heat
from glimpse.explain.parts import Figure
from glimpse.explain.sheet import INK, Cell, Row, draw_sheet
from glimpse.explain.support import Support, support
from glimpse.pixels import decode, resize
from glimpse.progress import Progress
from glimpse.records import Records
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.retriever.batches import ahead, one_core_each
from glimpse.retriever.retriever import cores
from glimpse.similarity import Cosine, MaskedCosine


def why_no_maps(retriever: Retriever) -> str:
    """One sentence on why there can be no maps; empty if there can."""
    if not isinstance(retriever.encoder, NetworkEncoder):
        return (
            f"There are no maps: they need a network in torch, and this encoder is of kind "
            f"{retriever.encoder.kind}."
        )
    if not isinstance(retriever.similarity, Cosine | MaskedCosine):
        name = type(retriever.similarity).__name__
        return f"There are no maps: they are made of cosines, not of {name}."
    return ""


def support_figures(retriever: Retriever, asked: Records, progress: Progress) -> list[Figure]:
    """A figure for each picture; only where `why_no_maps` has no reason."""
    encoder = retriever.encoder
    if not isinstance(encoder, NetworkEncoder):
        raise AssertionError("why_no_maps was asked before")

    def figure(row: int) -> Figure:
        # one picture at a time: large networks keep much for each gradient
        picture = decode(asked.path[row])
        pixels = resize(picture, encoder.preparation.size, encoder.preparation.filter)
        found = support(encoder, retriever.similarity, pixels[None], asked.camera[row : row + 1])
        return _figure(f"query-{row + 1}-support", picture, found)

    figures = []
    with progress("maps", len(asked)) as advance, _pace(encoder) as in_order:
        for one in in_order(figure, range(len(asked))):
            figures.append(one)
            advance(1)
    return figures


@contextmanager
def _pace(encoder: NetworkEncoder) -> Iterator[Callable[[Callable[[int], Figure], range], Iterable[Figure]]]:
    """A map function in order: by threads of one core each on a CPU, as embedding does it."""
    if encoder.concurrent:
        with one_core_each() as initialise:
            yield lambda function, rows: ahead(function, rows, cores(), initialise)
    else:
        yield map


def _figure(name: str, picture: NDArray[np.uint8], found: Support) -> Figure:
    plain, titles = found.plain[0], ["asked", "support"]
    scale = float(np.abs(plain).max())
    cells, alt = [], f"The picture and its map; strongest {_place(plain)}."
    tail = ""
    if found.masked is not None and found.difference is not None:
        masked, difference = found.masked[0], found.difference[0]
        scale, changed = max(scale, float(np.abs(masked).max())), float(np.abs(difference).max())
        titles = ["asked", "kept", "mask off", "difference"]
        cells = [
            heat(picture, masked, scale),
            heat(picture, plain, scale),
            heat(picture, difference, changed),
        ]
        alt = (
            "The picture, its map in the kept dimensions, the map with the mask off, and their difference; "
            f"strongest {_place(masked)}; the mask adds most {_place(difference)}."
        )
        tail = f", in the difference {changed:.3f}, {_share(changed, scale)}"
    row = Row((Cell(picture, INK), *(Cell(one) for one in cells or [heat(picture, plain, scale)])))
    caption = f"Orange patches carry the score, blue ones speak against it. Full hue is {scale:.3f}{tail}."
    return Figure(name, draw_sheet([row], titles), alt, caption)


def _place(values: NDArray[np.floating]) -> str:
    """Where the highest value of a map is."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    return f"in row {row + 1} of {values.shape[0]}, column {column + 1} of {values.shape[1]}"


def _share(changed: float, scale: float) -> str:
    return f"{100 * changed / scale:.0f} % of that" if scale else "as the map is empty"
