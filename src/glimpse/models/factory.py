"""From a card to what it describes: the network that embeds, and the similarity that compares."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from glimpse.models.card import NetworkCard
from glimpse.models.taken import Taken
from glimpse.recipes.registry import resolve, row_of
from glimpse.similarity import Similarity
from glimpse.similarity.registry import named_similarity


@runtime_checkable
class EmbeddingNetwork(Protocol):
    """What every network of `build_network` can do.

    Attributes:
        dim: D, the number of dimensions of its vectors.
    """

    dim: int

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Embed images.

        Args:
            images: `[B, 3, H, W]`, resized and normalized as the card says.
            taken: their cameras and modalities, places in the card's tables; None: all are unknown.

        Returns:
            Vectors `[B, D]`, or vectors and masks `[B, D]` with values in [0, 1]; not normalized.
        """
        ...


@runtime_checkable
class TextNetwork(Protocol):
    """What a network can do that also embeds texts; its tokenizer lies beside its weights."""

    def embed_text(self, ids: Tensor, ends: Tensor) -> Tensor:
        """Vectors `[B, D]`, comparable with those of images, of token ids `[B, L]` that end at `ends` [B]."""
        ...


def build_network(card: NetworkCard) -> nn.Module:
    """The network that a card describes, an `EmbeddingNetwork` with random weights.

    >>> from glimpse.choices import Size
    >>> isinstance(build_network(NetworkCard("bot", Size.MICRO, (64, 32))), EmbeddingNetwork)
    True
    """
    network: nn.Module = resolve(row_of(card.method).network).from_card(card)
    return network


def similarity_of(card: NetworkCard) -> Similarity:
    """How the embeddings of the card's network are compared.

    >>> from glimpse.choices import Size
    >>> card = NetworkCard("dpm", Size.MICRO, (64, 32), similarity="masked-cosine")
    >>> similarity_of(card).side.value
    'query'
    """
    return named_similarity(card.similarity, side=card.mask_side)
