"""The grid of patches, and position embeddings moved from one grid to another."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from glimpse.errors import ShapeError

Grid = tuple[int, int]

MOST_PATCHES = 2**16  # our choice: attention between so many is beyond any machine; 242 are published


def patch_grid(image: tuple[int, int], patch: int, stride: int) -> Grid:
    """Rows and columns of patches that fit into an image, without padding.

    See transreid.md, "Overlapping patches".

    >>> [patch_grid((256, 128), 16, stride) for stride in (16, 12, 11)]
    [(16, 8), (21, 10), (22, 11)]
    """
    height, width = image
    if min(patch, stride) < 1 or min(height, width) < patch:
        raise ShapeError(
            f"a patch must have at least one pixel and fit into the image, "
            f"got patch {patch} with stride {stride} in {height}x{width}"
        )
    rows, columns = (height - patch) // stride + 1, (width - patch) // stride + 1
    if rows * columns > MOST_PATCHES:
        raise ShapeError(
            f"an image has at most {MOST_PATCHES} patches, got {rows}x{columns} of {height}x{width} with "
            f"stride {stride}: choose a smaller image or a larger stride"
        )
    return rows, columns


def resize_position(position: Tensor, source: Grid, target: Grid) -> Tensor:
    """Move position embeddings to another grid: bilinear, corners not aligned, class position kept.

    Args:
        position: `[1 + Hs * Ws, D]`, the class position first.
        source: `(Hs, Ws)`.
        target: `(Ht, Wt)`.

    Returns:
        `[1 + Ht * Wt, D]`.
    """
    if position.ndim != 2 or len(position) != 1 + source[0] * source[1]:
        raise ShapeError(
            f"a position embedding on a grid of {source[0]}x{source[1]} must be "
            f"[{1 + source[0] * source[1]}, D], got {list(position.shape)}"
        )
    if source == target:
        return position
    places = position[1:].T.reshape(1, -1, *source)
    moved = interpolate(places.float(), size=target, mode="bilinear", align_corners=False)
    return torch.cat([position[:1], moved[0].flatten(1).T.to(position.dtype)])
