"""Patches to tokens: one convolution whose stride may be smaller than its kernel."""

from __future__ import annotations

from torch import Tensor, nn

from glimpse.encoders.position import patch_grid
from glimpse.errors import ShapeError


class PatchEmbed(nn.Module):
    """Cut an image into (overlapping) patches and project each to a token."""

    def __init__(self, image: tuple[int, int], patch: int, stride: int, width: int, *, bias: bool) -> None:
        super().__init__()
        self.image = image
        self.grid = patch_grid(image, patch, stride)
        self.projection = nn.Conv2d(3, width, patch, stride, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """`[B, 3, H, W]` to `[B, N, D]`, row after row of patches."""
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, *self.image):
            height, width = self.image
            raise ShapeError(f"images must be [B, 3, {height}, {width}], got {list(images.shape)}")
        result: Tensor = self.projection(images).flatten(2).transpose(1, 2)
        return result
