"""Measuring a network while it is trained, on persons who were set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.methods.card import NetworkCard
from glimpse.methods.comparing import similarity_of
from glimpse.methods.mask_report import mask_measures
from glimpse.methods.network import EmbeddingNetwork
from glimpse.protocols import Protocol
from glimpse.records import IntArray, Records
from glimpse.training.augment import normalised
from glimpse.training.data import PixelSource
from glimpse.training.stages import Method

_AT_ONCE = 128  # images in one pass; our choice


@dataclass(frozen=True, eq=False)
class Validation:
    """Rank-1 and mean average precision of a method's network on validation rows.

    Attributes:
        card: of the network.
        records: N rows, a picture each.
        pixels: theirs.
        protocol: its queries and its gallery are among the rows.
    """

    card: NetworkCard
    records: Records
    pixels: PixelSource
    protocol: Protocol

    def __call__(self, method: Method) -> Mapping[str, float]:
        """Shares from 0 to 1, by the names `rank1` and `map`; with masks also what `mask_measures` tells."""
        found = embed_rows(cast("nn.Module", method.network), self.card, self.pixels, self.records.camera)
        place = {path: row for row, path in enumerate(self.records.path.tolist())}
        query, gallery = (
            found[[place[path] for path in part.path.tolist()]]
            for part in (self.protocol.query, self.protocol.gallery)
        )
        with kept_threads():
            result = evaluate((query, gallery), self.protocol, similarity=similarity_of(self.card))
            measures = {"rank1": result.rank_k(1), "map": result.mean_ap}
            return measures | mask_measures(query, gallery, self.protocol, measures)


@contextmanager
def kept_threads() -> Iterator[None]:
    """Give torch its number of threads back when the block ends.

    Numba's kernels run on OpenMP and set its number of threads for torch too. Sums over other numbers of
    threads differ in their last bits, so training after a validation would not be the training before it.
    """
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def embed_rows(network: nn.Module, card: NetworkCard, pixels: PixelSource, cameras: IntArray) -> Embeddings:
    """Embeddings of all rows, in order; the network must be in evaluation mode."""
    device = next(network.parameters()).device
    places = torch.from_numpy(card.camera_rows(cameras)).to(device)
    vectors: list[Tensor] = []
    masks: list[Tensor] = []
    for start in range(0, len(places), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(places)))
        images = normalised(torch.from_numpy(pixels.read(rows)).to(device), card.mean, card.deviation)
        output = cast("EmbeddingNetwork", network).embed(images, places[rows])
        vector, mask = (output, None) if isinstance(output, Tensor) else output
        vectors.append(vector.float().cpu())
        masks += [] if mask is None else [mask.float().cpu()]
    return Embeddings(torch.cat(vectors).numpy(), torch.cat(masks).numpy() if masks else None)
