"""The CLIP text backbone, in any size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from glimpse.errors import ShapeError
from glimpse.models.backbones.transformer import Block, initialize


@dataclass(frozen=True)
class TextConfig:
    """The shape of a text backbone; the defaults are those of CLIP ViT-B/16 (clip-reid.md, "Network").

    Attributes:
        vocabulary: number of tokens.
        context: the longest sequence.
        width: width of a token.
        depth: number of blocks.
        heads: attention heads per block.
        projection: P, the width of the space shared with the images.
        mlp_ratio: hidden width of a block's MLP over the width.
    """

    vocabulary: int = 49408
    context: int = 77
    width: int = 512
    depth: int = 12
    heads: int = 8
    projection: int = 512
    mlp_ratio: float = 4.0


@dataclass(frozen=True, eq=False)
class TextOutput:
    """What a pass gives.

    Attributes:
        tokens: `[B, L, W]` after the last norm.
        projected: `[B, P]`, the token at the end of each text, projected.
    """

    tokens: Tensor
    projected: Tensor


class TextBackbone(nn.Module):
    """A causal transformer whose end-of-text token speaks for the text.

    Since a token sees only what came before, nothing after the end changes the result: sequences may be
    cut behind the longest text of a batch, and padding needs no mask.

    >>> config = TextConfig(vocabulary=20, context=8, width=16, depth=1, heads=2, projection=4)
    >>> backbone = TextBackbone(config)
    >>> list(backbone(torch.tensor([[18, 3, 19, 0]]), torch.tensor([2])).projected.shape)
    [1, 4]
    """

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Parameter(torch.empty(config.context, config.width))
        hidden = int(config.width * config.mlp_ratio)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, hidden, quick_gelu=True, eps=1e-5) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width, eps=1e-5)
        self.projection = nn.Parameter(torch.empty(config.width, config.projection))
        self.apply(initialize)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.position, std=0.01)
        nn.init.normal_(self.projection, std=config.width**-0.5)

    def forward(self, ids: Tensor, ends: Tensor) -> TextOutput:
        """Encode token ids.

        Args:
            ids: integers `[B, L]`, L at most the context.
            ends: integers `[B]`, the position of each text's end-of-text token.
        """
        if ids.ndim != 2 or ids.is_floating_point():
            raise ShapeError(f"token ids must be integers [B, L], got {ids.dtype} {list(ids.shape)}")
        return self.from_embeddings(self.words(ids), ends)

    def from_embeddings(self, embedded: Tensor, ends: Tensor) -> TextOutput:
        """Encode words that are given as vectors, learned prompts among them.

        Args:
            embedded: `[B, L, W]`, L at most the context; positions are added here.
            ends: integers `[B]`.
        """
        width, context = self.config.width, self.config.context
        if embedded.ndim != 3 or embedded.shape[2] != width or not 1 <= embedded.shape[1] <= context:
            raise ShapeError(
                f"embedded words must be [B, at most {context}, {width}], got {list(embedded.shape)}"
            )
        if ends.shape != embedded.shape[:1]:
            raise ShapeError(f"ends must be [{len(embedded)}], got {list(ends.shape)}")
        tokens = embedded + self.position[: embedded.shape[1]]
        for block in cast("Iterable[Block]", self.blocks):
            tokens = block(tokens, causal=True)
        tokens = self.norm(tokens)
        last = tokens[torch.arange(len(tokens), device=tokens.device), ends]
        return TextOutput(tokens, last @ self.projection)
