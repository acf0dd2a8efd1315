"""What the part proxies of SAP look at, and which patterns of MoS an image shows and where, as figures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.explain.drawing import INK, Cell, Row, draw_sheet, heat
from glimpse.explain.report import Figure
from glimpse.explain.visibility import prepared_images
from glimpse.models.mos import MosNetwork
from glimpse.models.sap import SapNetwork
from glimpse.models.taken import Taken, cameras_of
from glimpse.records import Capture, Records
from glimpse.retriever import Retriever
from glimpse.retriever.encoders.network import NetworkEncoder, normalized

PATTERNS = 6  # of an image, our choice


def attends_to_parts(retriever: Retriever) -> bool:
    """Whether its network has part proxies: SAP's."""
    network = _network(retriever)
    return isinstance(network, SapNetwork) and network.proxies is not None


def has_patterns(retriever: Retriever) -> bool:
    """Whether its vectors are sets of patterns: MoS's."""
    return isinstance(_network(retriever), MosNetwork)


def part_figures(retriever: Retriever, queries: Records) -> list[Figure]:
    """Where each proxy pools its part from, a figure for each image; only if it `attends_to_parts`."""
    encoder, network = retriever.encoder, _network(retriever)
    assert isinstance(encoder, NetworkEncoder)
    assert isinstance(network, SapNetwork)
    images, pixels = prepared_images(encoder, queries)
    with torch.inference_mode():
        taken = Taken.of(Capture.of(queries), encoder.card, encoder.device)
        output = network(
            normalized(torch.from_numpy(pixels).to(encoder.device), encoder.card), cameras_of(taken)
        )
    maps = output.attention[-1].reshape(len(images), -1, *network.backbone.grid).numpy(force=True)
    names = ("background", *network.names)
    return [
        _figure(f"query-{row + 1}-parts", image, maps[row], names, "proxy of")
        for row, image in enumerate(images)
    ]


def pattern_figures(retriever: Retriever, queries: Records) -> list[Figure]:
    """The patterns that set each image apart from the mean of all, and where; only if it `has_patterns`."""
    encoder, network = retriever.encoder, _network(retriever)
    assert isinstance(encoder, NetworkEncoder)
    assert isinstance(network, MosNetwork)
    images, pixels = prepared_images(encoder, queries)
    with torch.inference_mode():
        maps = network.activations(normalized(torch.from_numpy(pixels).to(encoder.device), encoder.card))
        sets = network.pooling(maps)
    apart = (sets - sets.mean(0)).numpy(force=True)
    figures = []
    for row, image in enumerate(images):
        best = np.argsort(-apart[row], kind="stable")[:PATTERNS]
        shown = maps[row, torch.from_numpy(best)].numpy(force=True)
        figures.append(_figure(f"query-{row + 1}-patterns", image, shown, [str(n) for n in best], "pattern"))
    return figures


def _network(retriever: Retriever) -> torch.nn.Module | None:
    encoder = retriever.encoder
    return encoder.network if isinstance(encoder, NetworkEncoder) else None


def _figure(
    name: str,
    image: NDArray[np.uint8],
    maps: NDArray[np.floating],
    titles: tuple[str, ...] | list[str],
    what: str,
) -> Figure:
    """An image and maps `[M, rows, columns]` laid over it, each at its own scale."""
    cells = (Cell(image, INK), *(Cell(heat(image, one, float(one.max()))) for one in maps))
    told = "; ".join(f"{what} {title} {_place(one)}" for title, one in zip(titles, maps, strict=True))
    alt = f"The image, and where each map is strongest: {told}."
    return Figure(name, draw_sheet([Row(cells)], ["query", *titles]), alt, f"Strongest: {told}.")


def _place(values: NDArray[np.floating]) -> str:
    """Where the highest value of a map is, in words.

    >>> _place(np.array([[0, 0], [0, 1.0]]))
    'at the bottom'
    """
    row = int(values.argmax()) // values.shape[1]
    third = 3 * row // values.shape[0]
    return (
        ("at the top", "in the middle", "at the bottom")[third]
        if values.shape[0] > 2
        else ("at the top" if row == 0 else "at the bottom")
    )
