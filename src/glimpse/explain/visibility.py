"""Where a network sees the person, and how far it trusts each stripe of an image, as figures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.explain.drawing import INK, Cell, Row, draw_sheet, spread_over
from glimpse.explain.report import Figure
from glimpse.models.dpmpp import DpmppNetwork
from glimpse.models.heads.stripes import Visibility
from glimpse.models.taken import Taken
from glimpse.pixels import decode, resize
from glimpse.records import Capture, Records
from glimpse.retriever import Retriever
from glimpse.retriever.encoders.network import NetworkEncoder, normalized

_PAPER = 235.0  # our choice: what nobody trusts fades to a light gray


def tells_visibility(retriever: Retriever) -> bool:
    """Whether its network predicts where the person is visible: DPM++'s does, with masks of stripes."""
    encoder = retriever.encoder
    return (
        isinstance(encoder, NetworkEncoder)
        and isinstance(encoder.network, DpmppNetwork)
        and encoder.network.tells_visibility
    )


def visibility_figures(retriever: Retriever, queries: Records) -> list[Figure]:
    """A figure for each image; only of a `tells_visibility` retriever."""
    encoder = retriever.encoder
    assert isinstance(encoder, NetworkEncoder)
    images, pixels = prepared_images(encoder, queries)
    found = visibility(encoder, pixels, Capture.of(queries))
    return [
        _figure(f"query-{row + 1}-seen", image, found.seen[row].numpy(), found.rows_trusted()[row].numpy())
        for row, image in enumerate(images)
    ]


def prepared_images(
    encoder: NetworkEncoder, queries: Records
) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """The images as they are, and resized for the encoder, uint8 `[B, H, W, 3]`."""
    images = [decode(path) for path in queries.path.tolist()]
    size, kernel = encoder.preparation.size, encoder.preparation.filter
    return images, np.stack([resize(image, size, kernel) for image in images])


def visibility(encoder: NetworkEncoder, pixels: NDArray[np.uint8], capture: Capture) -> Visibility:
    """Predicted visibility of the persons in images uint8 `[B, H, W, 3]`."""
    network = encoder.network
    assert isinstance(network, DpmppNetwork)
    images = normalized(torch.from_numpy(pixels).to(encoder.device), encoder.card)
    with torch.inference_mode():
        return network.visibility(images, Taken.of(capture, encoder.card, encoder.device)).cpu()


def _figure(
    name: str, image: NDArray[np.uint8], seen: NDArray[np.floating], trusted: NDArray[np.floating]
) -> Figure:
    across = np.broadcast_to(trusted[:, None], seen.shape)
    cells = (Cell(image, INK), Cell(faded(image, seen)), Cell(faded(image, across)))
    told = ", ".join(f"{100 * share:.0f}" for share in (trusted[0], trusted[len(trusted) // 2], trusted[-1]))
    caption = f"Trust at the top, in the middle and at the bottom: {told} %."
    alt = f"The image, where the network sees the person, and the stripes that it trusts. {caption}"
    return Figure(name, draw_sheet([Row(cells)], ["query", "seen", "trusted"]), alt, caption)


def faded(image: NDArray[np.uint8], shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """An image `[H, W, 3]` that fades where shares `[rows, columns]` in 0..1 are low.

    >>> faded(np.zeros((1, 2, 3), np.uint8), np.array([[1.0, 0.0]]))[0, :, 0].tolist()
    [0, 235]
    """
    share = spread_over(shares, image.shape[:2])[..., None].clip(0, 1)
    mixed: NDArray[np.uint8] = (share * image + (1 - share) * _PAPER).round().astype(np.uint8)
    return mixed
