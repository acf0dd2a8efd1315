"""The transfer itself, in pixels or in patch embeddings, and the cells that both work on.

See spt.md, "Transfer".
"""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError


def cells_of(masks: Tensor, grid: tuple[int, int], share: float = 0.5) -> Tensor:
    """Cells, bool `[B, rows, columns]`, that masks `[B, H, W]` (0 is background) cover by `share` or more."""
    covered = torch.nn.functional.adaptive_avg_pool2d((masks > 0).float()[:, None], grid)
    return covered[:, 0] >= share


def mixed_images(images: Tensor, windows: Tensor, donors: Tensor, rolls: Tensor) -> Tensor:
    """Every person behind its donor's window: `x_i M_j + x_j (1 - M_j)`.

    Everything is read from the given images, so what was mixed is never mixed again.

    Args:
        images: `[B, 3, H, W]`.
        windows: bool `[B, rows, columns]`; the cells that show each image's person.
        donors: int64 `[B]`; rows of the batch, -1 for none, which leaves the image as it is.
        rolls: int64 `[B]`; columns of cells by which the target moves to the right, cyclically.
    """
    _, columns = windows.shape[1:]
    if images.ndim != 4 or len(windows) != len(images):
        raise ShapeError(
            f"expected images [B, 3, H, W] and windows of B, got {list(images.shape)} and {len(windows)}"
        )
    rows = (donors >= 0).nonzero()[:, 0]
    if not len(rows):
        return images
    donor_rows = donors[rows]
    height, width = images.shape[2:]
    window = torch.nn.functional.interpolate(windows[donor_rows][:, None].float(), size=(height, width)) > 0
    targets = images[rows]
    steps = rolls[rows] * width // columns
    if bool(steps.any()):
        place = (torch.arange(width, device=images.device) - steps[:, None]) % width
        targets = targets.gather(3, place[:, None, None].expand_as(targets))
    result = images.clone()
    result[rows] = torch.where(window, targets, images[donor_rows])
    return result


def mixed_patches(patches: Tensor, windows: Tensor, donors: Tensor) -> Tensor:
    """The same on patch embeddings `[B, N, D]`, before class token and position; windows of N cells."""
    if windows[0].numel() != patches.shape[1]:
        raise ShapeError(f"windows have {windows[0].numel()} cells, expected {patches.shape[1]} patches")
    donor_rows = torch.where(donors >= 0, donors, torch.arange(len(donors), device=donors.device))
    # an image without donor gets itself on both sides
    return torch.where(windows.flatten(1)[donor_rows][:, :, None], patches, patches[donor_rows])
