"""A pass of a network over rows, in order and without augmentation: what training and measuring share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from glimpse.embeddings import Embeddings
from glimpse.models.card import NetworkCard, Three
from glimpse.models.factory import EmbeddingNetwork, TextNetwork
from glimpse.models.taken import Taken
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.records import Capture, IntArray, Records
from glimpse.training.augment import normalized
from glimpse.training.batches import PixelSource, prefetch

_AT_ONCE = 128  # images or captions in one pass; our choice

Look = Callable[[Tensor, IntArray], tuple[Tensor, ...]]
"""From normalized images `[B, 3, H, W]` and their row numbers `[B]` to tensors of B rows each."""


@torch.no_grad()
def over_rows(
    look: Look, pixels: PixelSource, rows: int, mean: Three, std: Three, device: torch.device
) -> tuple[Tensor, ...]:
    """What `look` finds in rows 0 to `rows` - 1, a batch at a time, concatenated in order; no gradient.

    Args:
        look: is called with each batch; the networks in it must be in evaluation mode.
        pixels: of the rows; the next batch is read in a thread meanwhile.
        rows: how many, at least 1.
        mean: of the normalization.
        std: likewise.
        device: where the images go.

    Returns:
        As many tensors `[rows, ...]` as `look` gives, on the devices that it gives them on.
    """
    chunks = [np.arange(start, min(start + _AT_ONCE, rows)) for start in range(0, rows, _AT_ONCE)]
    read = prefetch(lambda some: torch.from_numpy(np.ascontiguousarray(pixels.read(some))), chunks)
    found = [
        look(normalized(raw.to(device), mean, std), some) for some, raw in zip(chunks, read, strict=True)
    ]
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def embed_rows(network: nn.Module, card: NetworkCard, pixels: PixelSource, records: Records) -> Embeddings:
    """Embeddings of all rows, in order; the network must be in evaluation mode."""
    device = next(network.parameters()).device
    taken = Taken.of(Capture.of(records), card, device)

    def look(images: Tensor, rows: IntArray) -> tuple[Tensor, ...]:
        output = cast("EmbeddingNetwork", network).embed(images, taken[torch.from_numpy(rows)])
        return tuple(part.float().cpu() for part in ((output,) if isinstance(output, Tensor) else output))

    vectors, *masks = over_rows(look, pixels, len(records), card.mean, card.std, device)
    return Embeddings(vectors.numpy(), masks[0].numpy() if masks else None)


@torch.no_grad()
def embed_captions(network: nn.Module, tokenizer: Tokenizer, captions: Sequence[str]) -> Embeddings:
    """Embeddings of captions, in order; the network must be a `TextNetwork` in evaluation mode."""
    device = next(network.parameters()).device
    vectors = []
    for start in range(0, len(captions), _AT_ONCE):
        tokens = tokenizer.encode(captions[start : start + _AT_ONCE]).trimmed()
        ids, ends = (torch.from_numpy(numbers).to(device) for numbers in (tokens.ids, tokens.ends))
        vectors.append(cast("TextNetwork", network).embed_text(ids, ends).float().cpu())
    return Embeddings(torch.cat(vectors).numpy())
