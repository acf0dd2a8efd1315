"""SAP: a vision transformer with part proxies, one vector for each part of a person (sap.md)."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from glimpse.errors import OptionError
from glimpse.models.backbones.sizes import Size, baseline_vit, camera_rows_of
from glimpse.models.backbones.transformer import Block, Mlp, SelfAttention
from glimpse.models.backbones.transformer import initialize as initialize_linear
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken, cameras_of


@dataclass(frozen=True)
class SapOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        parts: the names of the parts, without the background, with commas between them; empty: no proxies.
        rounds: of refinement; 0 pools by the proxies as they are.
        mlp_ratio: of refinement: hidden width by width.
        stride: distance of neighboring patches in sixteenths of a patch.
        camera_weight: factor of the camera embedding, where cameras are known.
        drop_path: rate of the last block in training.
    """

    parts: str = ""
    rounds: int = 1
    mlp_ratio: float = 4.0
    stride: int = 12
    camera_weight: float = 3.0
    drop_path: float = 0.1

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts."""
        return tuple(self.parts.split(",")) if self.parts else ()


@dataclass(frozen=True, eq=False)
class SapOutput:
    """What a pass gives, for K parts and N patches.

    Attributes:
        before: 1 + K features `[B, D]`: the class token's, then each part's, before their necks.
        after: likewise, behind them.
        patches: `[B, N, D]`, of the backbone, after its last norm.
        attention: each `[B, 1 + K, N]`, background first: over which patches the proxies spread, in the first
            cross-attention and in the one that pools. Empty without proxies, one without refinement.
        logits: `[B, heads, 1 + N, 1 + N]` of the block that was asked for.
    """

    before: list[Tensor]
    after: list[Tensor]
    patches: Tensor
    attention: tuple[Tensor, ...] = ()
    logits: Tensor | None = None


class SapNetwork(nn.Module):
    """Backbone, part proxies that may be refined, and a neck per feature.

    >>> network = SapNetwork(Size.MICRO, (64, 32), 0, SapOptions(parts="head,torso", stride=16)).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape)
    [2, 192]
    """

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: SapOptions) -> None:
        super().__init__()
        self.backbone = baseline_vit(
            size,
            image,
            cameras,
            stride=options.stride,
            camera_weight=options.camera_weight,
            drop_path=options.drop_path,
        )
        config = self.backbone.config
        self.names = options.names
        features = 1 + len(self.names)
        self.dim = config.width * features
        self.necks = nn.ModuleList(Neck(config.width) for _ in range(features))
        self.proxies = (
            Proxies(self.backbone, len(self.names), options.rounds, options.mlp_ratio) if self.names else None
        )

    @classmethod
    def from_card(cls, card: NetworkCard) -> SapNetwork:
        """The network that a card describes."""
        return cls(card.size, card.image, len(card.cameras), options_from_json(SapOptions, card.options))

    def forward(
        self, images: Tensor, cameras: Tensor | None = None, *, logits_of: int | None = None
    ) -> SapOutput:
        """All features.

        Args:
            images: `[B, 3, H, W]`.
            cameras: integers `[B]`, rows of the camera table, -1 for unknown; None: all are unknown.
            logits_of: the block, counted from 1, whose attention logits are wanted.
        """
        rows = camera_rows_of(self.backbone, images, cameras)
        # nobody reads the patches behind the last block
        deep = len(self.backbone.blocks) - 1
        output = self.backbone(images, cameras=rows, depths=(deep,), logits_of=logits_of, patches=False)
        before, attention = [output.class_token], ()
        if self.proxies is not None:
            features, attention = self.proxies(output.at[deep])
            before += features.unbind(1)
        after = [neck(feature) for neck, feature in zip(self.necks, before, strict=True)]
        return SapOutput(before, after, output.at[deep][:, 1:], attention, output.logits)

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D + K D]`: the class token's feature, then each part's over sqrt(K), all of them unit vectors.

        So both halves count alike in a cosine.
        """
        first, *parts = self(images, cameras_of(taken)).before
        weight = max(1, len(parts)) ** -0.5
        return torch.cat([normalize(first), *(normalize(part) * weight for part in parts)], dim=1)


class Proxies(nn.Module):
    """A learned query per part, background first, that gathers what the patches say of it.

    In a round of refinement proxies gather from patches, then patches from proxies, so that a patch may
    change its part by what it looks like (sap.md, "Refinement"). At the end the refined proxies read the
    refined patches as the class token does in the backbone's last block, by a copy of it.

    Args:
        backbone: whose last block is copied.
        parts: K, without the background.
        rounds: R.
        mlp_ratio: of the rounds.
    """

    def __init__(self, backbone: ViT, parts: int, rounds: int, mlp_ratio: float) -> None:
        super().__init__()
        if rounds < 0:
            raise OptionError(f"rounds of refinement cannot be negative, got {rounds}")
        width, heads = backbone.config.width, backbone.config.heads
        self.queries = nn.Parameter(torch.empty(1 + parts, width))
        nn.init.trunc_normal_(self.queries, std=0.02)
        hidden = int(width * mlp_ratio)
        self.rounds = nn.ModuleList(Round(width, heads, hidden) for _ in range(rounds))
        self.rounds.apply(initialize_linear)
        # ours: what a round adds is zero at first, so that what was learned before is not thrown away
        for one in cast("Iterable[Round]", self.rounds):
            for layer in (one.gather.out, one.spread.out, one.mlp_proxies.down, one.mlp_patches.down):
                nn.init.zeros_(layer.weight)
        self.block = cast("Block", deepcopy(backbone.blocks[-1]))
        self.norm = deepcopy(backbone.norm)

    def follow(self, backbone: ViT) -> None:
        """Start from the last block and norm as the backbone has them now."""
        self.block.load_state_dict(backbone.blocks[-1].state_dict())
        self.norm.load_state_dict(backbone.norm.state_dict())

    def forward(self, tokens: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The features of the parts `[B, K, D]`, and over which patches each proxy spread (`SapOutput`).

        Args:
            tokens: `[B, 1 + N, D]`, class token first, before the backbone's last block.
        """
        first, patches = tokens[:, :1], tokens[:, 1:]
        proxies = first + self.queries
        attention: list[Tensor] = []
        for one in cast("Iterable[Round]", self.rounds):
            proxies, patches, spread = one(proxies, patches)
            attention.append(spread)
        block = self.block
        mixed, spread = cross_attention(block.attention, block.norm1(proxies), block.norm1(patches))
        proxies = proxies + block.drop_path(mixed)
        proxies = proxies + block.drop_path(block.mlp(block.norm2(proxies)))
        return self.norm(proxies)[:, 1:], (*attention[:1], spread)


class Round(nn.Module):
    """Proxies gather from patches, then patches from proxies; each with an MLP of its own."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(6))
        self.gather = CrossAttention(width, heads)
        self.spread = CrossAttention(width, heads)
        self.mlp_proxies, self.mlp_patches = (Mlp(width, hidden, nn.GELU()) for _ in range(2))

    def forward(self, proxies: Tensor, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Both changed, and the attention of the proxies over the patches, the mean of the heads."""
        norms = self.norms
        mixed, spread = self.gather(norms[0](proxies), norms[1](patches))
        proxies = proxies + mixed
        proxies = proxies + self.mlp_proxies(norms[2](proxies))
        patches = patches + self.spread(norms[3](patches), norms[4](proxies))[0]
        patches = patches + self.mlp_patches(norms[5](patches))
        return proxies, patches, spread


class CrossAttention(nn.Module):
    """Attention of some tokens over others, with what it spreads over."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """What tokens `[B, T, D]` gather from others `[B, N, D]`, and the mean of the heads' attention."""
        mixed, weights = spread_over(self.query(tokens), self.key(context), self.value(context), self.heads)
        return self.out(mixed), weights


def cross_attention(attention: SelfAttention, tokens: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
    """As `CrossAttention`, by the weights of a self-attention."""
    width = tokens.shape[-1]
    weight, bias = attention.qkv.weight, attention.qkv.bias
    query = linear(tokens, weight[:width], bias[:width])
    key, value = linear(context, weight[width:], bias[width:]).chunk(2, dim=-1)
    mixed, weights = spread_over(query, key, value, attention.heads)
    return attention.out(mixed), weights


def spread_over(query: Tensor, key: Tensor, value: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """The values `[B, T, D]` that queries gather, and the mean of the heads' attention `[B, T, N]`."""

    def by_head(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

    weights = (by_head(query) @ by_head(key).transpose(-2, -1) * (query.shape[-1] // heads) ** -0.5).softmax(
        -1
    )
    return (weights @ by_head(value)).transpose(1, 2).flatten(2), weights.mean(1)
