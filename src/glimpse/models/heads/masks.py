"""What makes masks `[B, D]` in (0, 1) of patch tokens of several depths: DPM's generator and its likes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glimpse.choices import MaskKind
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.position import Grid
from glimpse.models.precision import full_precision


def hierarchy(depth: int) -> tuple[int, int, int, int]:
    """The blocks whose patch tokens a mask is made of: 2, 4, 10 and 12 of 12 (dpm.md, "Mask head").

    For other depths the nearest different ones in proportion, our choice (dpm.md, "Other depths").

    >>> hierarchy(12), hierarchy(6), hierarchy(4)
    ((2, 4, 10, 12), (1, 2, 5, 6), (1, 2, 3, 4))
    """
    if depth < 4:
        raise OptionError(f"a mask is made of four depths: the backbone needs at least 4 blocks, got {depth}")
    first = max(1, round(depth / 6))
    return first, max(first + 1, round(depth / 3)), min(depth - 1, round(5 * depth / 6)), depth


class FullMaskHead(nn.Module):
    """The hierarchical mask generator as published: three convolutions with batch norm (dpm.md, "Mask head").

    >>> head = FullMaskHead(8).eval()
    >>> levels = [torch.randn(2, 32, 8) for _ in range(4)]
    >>> head(levels, (8, 4)).unique()
    tensor([0.5000], grad_fn=<Unique2Backward0>)
    """

    smallest = 4  # rows and columns: two poolings halve them

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            *convolution(4 * width, 2 * width),
            nn.MaxPool2d(2),
            *convolution(2 * width, width),
            nn.MaxPool2d(2),
            *convolution(width, width),
        )
        self.last = _zero_linear(width, width)

    def forward(self, levels: Sequence[Tensor], grid: Grid) -> Tensor:
        """The masks `[B, D]` of four levels of patch tokens, each `[B, N, D]` with N = rows x columns."""
        maps = self.maps(as_map(torch.cat(list(levels), dim=2), grid, self.smallest))
        return _trust(maps.amax((2, 3)), self.last.weight, self.last.bias)


class LightMaskHead(nn.Module):
    """A generator that normalizes and reduces each level before it convolves (dpmpp.md, "Architecture").

    Width 768 is reduced to 128 per level, then to 256; other widths in proportion. Our choice, as
    CLIP's residual streams have outlier channels and the published head is two thirds of a ViT.
    """

    smallest = 2  # rows and columns: one pooling halves them

    def __init__(self, width: int) -> None:
        super().__init__()
        reduced, hidden = max(1, width // 6), max(1, width // 3)
        self.reduce = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, reduced)) for _ in range(4)
        )
        self.maps = nn.Sequential(
            *convolution(4 * reduced, hidden), nn.MaxPool2d(2), *convolution(hidden, hidden)
        )
        self.last = _zero_linear(hidden, width)

    def forward(self, levels: Sequence[Tensor], grid: Grid) -> Tensor:
        """As `FullMaskHead.forward`."""
        reduced = [reduce(tokens) for reduce, tokens in zip(self.reduce, levels, strict=True)]
        maps = self.maps(as_map(torch.cat(reduced, dim=2), grid, self.smallest))
        return _trust(maps.amax((2, 3)) + maps.mean((2, 3)), self.last.weight, self.last.bias)


class StaticMask(nn.Module):
    """One mask for all images: a control that knows the dimensions but not the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(width))

    def forward(self, levels: Sequence[Tensor], grid: Grid) -> Tensor:
        """As `FullMaskHead.forward`; of the levels only their number of images counts."""
        return torch.sigmoid(self.logits).expand(levels[0].shape[0], -1)


def build_mask_head(kind: MaskKind, width: int, grid: Grid) -> nn.Module | None:
    """The mask head of that kind for tokens of `width` on `grid`; None for no mask."""
    if kind is MaskKind.NONE:
        return None
    if kind is MaskKind.STATIC:
        return StaticMask(width)
    head = FullMaskHead(width) if kind is MaskKind.FULL else LightMaskHead(width)
    if min(grid) < head.smallest:
        raise OptionError(
            f"the {kind} mask head needs at least {head.smallest} rows and columns of patches, got {grid}"
        )
    return head


def convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """Three by three, batch norm and ReLU."""
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """Zero weight and bias: every mask begins at 0.5, so the masked cosine at the plain one."""
    linear = nn.Linear(inputs, outputs)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def as_map(tokens: Tensor, grid: Grid, smallest: int) -> Tensor:
    """Patch tokens `[B, N, D]` as maps `[B, D, rows, columns]`; a view, with the channels last in memory."""
    batch, count, width = tokens.shape
    rows, columns = grid
    if count != rows * columns or min(grid) < smallest:
        raise ShapeError(f"expected the patches of a grid {grid}, at least {smallest} wide, got {count}")
    return tokens.reshape(batch, rows, columns, width).permute(0, 3, 1, 2)


@full_precision
def _trust(pooled: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.sigmoid(nn.functional.linear(pooled, weight, bias))
