"""BERT and the frozen-BERT-with-LSTM text backbone of LGUR (text.md, "Frozen BERT with an LSTM")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from glimpse.errors import ShapeError
from glimpse.models.backbones.transformer import Mlp, SelfAttention, initialize


@dataclass(frozen=True)
class BertConfig:
    """The shape of a BERT; the defaults are bert-base-uncased."""

    vocabulary: int = 30522
    context: int = 512
    width: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072
    kinds: int = 2


class BertBlock(nn.Module):
    """`norm(x + attention(x))`, then `norm(x + mlp(x))`: the norms come last."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads)
        self.norm1 = nn.LayerNorm(config.width, eps=1e-12)
        self.mlp = Mlp(config.width, config.hidden, nn.GELU())
        self.norm2 = nn.LayerNorm(config.width, eps=1e-12)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """`[B, L, W]` to `[B, L, W]`; `allowed` as in `SelfAttention`."""
        x = self.norm1(x + self.attention(x, allowed=allowed))
        result: Tensor = self.norm2(x + self.mlp(x))
        return result


class Bert(nn.Module):
    """The BERT backbone, without a pooler, for one sentence at a time; without dropout, since it is frozen.

    >>> bert = Bert(BertConfig(vocabulary=20, context=8, width=16, depth=1, heads=2, hidden=32))
    >>> list(bert(torch.tensor([[2, 5, 3, 0]]), torch.tensor([[True, True, True, False]])).shape)
    [1, 4, 16]
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Parameter(torch.empty(config.context, config.width))
        self.kind = nn.Parameter(torch.empty(config.kinds, config.width))
        self.norm = nn.LayerNorm(config.width, eps=1e-12)
        self.blocks = nn.ModuleList(BertBlock(config) for _ in range(config.depth))
        self.apply(initialize)
        for table in (self.words.weight, self.position, self.kind):
            nn.init.trunc_normal_(table, std=0.02)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode token ids.

        Args:
            ids: integers `[B, L]`, L at most the context.
            mask: boolean `[B, L]`, which places hold a token.

        Returns:
            `[B, L, W]`; where no token is, the values mean nothing.
        """
        context = self.config.context
        if ids.ndim != 2 or not 1 <= ids.shape[1] <= context or mask.shape != ids.shape:
            raise ShapeError(
                f"token ids and mask must both be [B, at most {context}], "
                f"got {list(ids.shape)} and {list(mask.shape)}"
            )
        tokens = self.norm(self.words(ids) + self.position[: ids.shape[1]] + self.kind[0])
        allowed = mask.bool()[:, None, None, :]
        for block in cast("Iterable[BertBlock]", self.blocks):
            tokens = block(tokens, allowed)
        result: Tensor = tokens
        return result


class FrozenBertText(nn.Module):
    """A BERT that is never trained, and an LSTM over its tokens in both directions, which is.

    LGUR: one layer, no bias, the mean of the two directions (read in the authors' code).
    """

    def __init__(self, bert: Bert, width: int = 384) -> None:
        super().__init__()
        self.bert = bert.requires_grad_(False).eval()
        self.lstm = nn.LSTM(
            bert.config.width, width, num_layers=1, bias=False, batch_first=True, bidirectional=True
        )

    def train(self, mode: bool = True) -> Self:
        """Switch the LSTM; the BERT stays in evaluation."""
        super().train(mode)
        self.bert.eval()
        return self

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode token ids as `Bert` does, `[B, L]` to `[B, L, width]`; zero where no token is."""
        with torch.no_grad():
            embedded = self.bert(ids, mask)
        lengths = mask.sum(1).cpu()
        if not bool((lengths > 0).all()):
            raise ShapeError(f"each text needs a token, row {int((lengths == 0).nonzero()[0])} has none")
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        both, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=ids.shape[1])
        forward, backward = both.chunk(2, dim=-1)
        result: Tensor = (forward + backward) / 2
        return result
