"""The part of a method that is left after training: a network that embeds, built from its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from glimpse.errors import OptionError
from glimpse.methods.bot.network import BoTNetwork
from glimpse.methods.card import NetworkCard, SimilarityName
from glimpse.methods.clip.network import ClipNetwork
from glimpse.methods.clip_reid.network import ClipReIDNetwork
from glimpse.methods.dpm.network import DpmNetwork
from glimpse.methods.dpmpp.network import DpmppNetwork
from glimpse.methods.spt.network import SptNetwork
from glimpse.methods.transreid.network import TransReIDNetwork

__all__ = ["EmbeddingNetwork", "NetworkCard", "SimilarityName", "TextNetwork", "build_network"]


@runtime_checkable
class EmbeddingNetwork(Protocol):
    """What every network of `build_network` can do.

    Attributes:
        dim: D, the number of dimensions of its vectors.
    """

    dim: int

    def embed(self, images: Tensor, cameras: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Embed images.

        Args:
            images: `[B, 3, H, W]`, resized and normalised as the card says.
            cameras: integers `[B]` from `NetworkCard.camera_rows`; None: all are unknown.

        Returns:
            Vectors `[B, D]`, or vectors and masks `[B, D]` with values in [0, 1]; not normalised.
        """
        ...


@runtime_checkable
class TextNetwork(Protocol):
    """What a network can do that also embeds texts; its tokenizer lies beside its weights."""

    def embed_text(self, ids: Tensor, ends: Tensor) -> Tensor:
        """Vectors `[B, D]`, comparable with those of images, of token ids `[B, L]` that end at `ends` [B]."""
        ...


_NETWORKS: Mapping[str, Callable[[NetworkCard], nn.Module]] = MappingProxyType(
    {
        "bot": BoTNetwork.from_card,
        "transreid": TransReIDNetwork.from_card,
        "dpm": DpmNetwork.from_card,
        "dpm++": DpmppNetwork.from_card,
        "clip-reid": ClipReIDNetwork.from_card,
        "spt": SptNetwork.from_card,
        "clip": ClipNetwork.from_card,
    }
)


def build_network(card: NetworkCard) -> nn.Module:
    """The network that a card describes, an `EmbeddingNetwork` with random weights.

    >>> from glimpse.encoders.size import Size
    >>> isinstance(build_network(NetworkCard("bot", Size.MICRO, (64, 32))), EmbeddingNetwork)
    True
    """
    if card.method not in _NETWORKS:
        raise OptionError(f"no network is called {card.method!r}; there are {', '.join(_NETWORKS)}")
    return _NETWORKS[card.method](card)
