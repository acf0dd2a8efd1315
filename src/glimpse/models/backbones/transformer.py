"""Attention and the pre-norm transformer block that the vision and the text backbones share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from glimpse.errors import ShapeError


class SelfAttention(nn.Module):
    """Multi-head self-attention with one matrix for queries, keys and values.

    The result always comes from the fused kernel. The logits are a reading on the side, from the same
    weights and the same input: asking for them changes nothing in the result.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ShapeError(f"the width must be a multiple of the heads, got {width} and {heads}")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Tensor, *, allowed: Tensor | None = None, causal: bool = False, first_only: bool = False
    ) -> Tensor:
        """Attend.

        Args:
            x: `[B, T, D]`.
            allowed: boolean, broadcastable to `[B, heads, T, T]`: which keys (last) a query may see.
            causal: whether a token sees only itself and what came before; not together with `allowed`.
            first_only: whether only the first token's result is wanted.

        Returns:
            `[B, T, D]`, or `[B, 1, D]` of the first token.
        """
        batch, tokens = x.shape[:2]
        query, key, value = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if first_only:
            query = query[:, :, :1]
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=allowed, is_causal=causal)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result

    def logits(self, x: Tensor) -> Tensor:
        """The scaled logits before the softmax, `[B, heads, T, T]`: a row per query."""
        batch, tokens, width = x.shape
        weight, bias = self.qkv.weight[: 2 * width], self.qkv.bias[: 2 * width]
        both = nn.functional.linear(x, weight, bias)
        query, key = both.view(batch, tokens, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        result: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        return result

    def class_logits(self, x: Tensor) -> Tensor:
        """The row of `logits` of the class token (the first) over the others, `[B, heads, T - 1]`.

        Only one query is computed, so this costs a third of the block's projection and no T x T matrix.
        """
        batch, tokens, width = x.shape
        weight, bias = self.qkv.weight, self.qkv.bias
        query = nn.functional.linear(x[:, 0], weight[:width], bias[:width])
        key = nn.functional.linear(x[:, 1:], weight[width : 2 * width], bias[width : 2 * width])
        query = query.view(batch, self.heads, -1) * (width // self.heads) ** -0.5
        key = key.view(batch, tokens - 1, self.heads, -1)
        return torch.einsum("bhd,bthd->bht", query, key)


class QuickGELU(nn.Module):
    """`x * sigmoid(1.702 x)`: the activation that CLIP was trained with (clip-reid.md, "Network")."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply to every element."""
        return x * torch.sigmoid(1.702 * x)


class DropPath(nn.Module):
    """In training, leave a branch out for a random part of the rows (`rate`), and scale up the rest."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Drop whole rows of `[B, T, D]`."""
        if not self.training or self.rate == 0:
            return x
        rows = (len(x),) + (1,) * (x.ndim - 1)
        kept = torch.rand(rows, device=x.device) >= self.rate
        return x * kept.to(x.dtype) / (1 - self.rate)


class Mlp(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(self, width: int, hidden: int, activation: nn.Module) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.activation = activation
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Apply to every token of `[B, T, D]`."""
        result: Tensor = self.down(self.activation(self.up(x)))
        return result


class Block(nn.Module):
    """`x + attention(norm(x))`, then `x + mlp(norm(x))`, each with drop path."""

    def __init__(
        self, width: int, heads: int, hidden: int, *, quick_gelu: bool, eps: float, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(width, hidden, QuickGELU() if quick_gelu else nn.GELU())
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, *, causal: bool = False, first_only: bool = False) -> Tensor:
        """`[B, T, D]` to `[B, T, D]`, or to `[B, 1, D]`, the first token's, at a third of the work."""
        mixed = self.attention(self.norm1(x), causal=causal, first_only=first_only)
        x = (x[:, :1] if first_only else x) + self.drop_path(mixed)
        result: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return result

    def logits(self, x: Tensor) -> Tensor:
        """The attention logits of this block for its input `x`, `[B, heads, T, T]`."""
        return self.attention.logits(self.norm1(x))

    def class_logits(self, x: Tensor) -> Tensor:
        """The logits of the class token over the patches for the block's input `x`, `[B, heads, T - 1]`."""
        return self.attention.class_logits(self.norm1(x))


def initialize(module: nn.Module) -> None:
    """Start linear layers from a truncated normal of 0.02 and zero biases, as ViT and DeiT do."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
