"""Jigsaw patches: the patch tokens shifted, shuffled and cut into groups that each cover the body."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError


def jigsaw(patches: Tensor, *, shift: int, groups: int, parts: int) -> list[Tensor]:
    """Rearrange patch tokens `[B, N, D]` into `parts` groups of `N // parts` (dpm_family 2.4).

    The first `shift - 1` tokens move to the end; a number that `groups` does not divide is filled up by
    copies of the last token but one; then the groups' tokens are interleaved, and the result is cut
    into consecutive parts. Tokens that fill no whole part are left out.

    >>> tokens = torch.arange(1.0, 9).view(1, 8, 1)
    >>> [part.flatten().tolist() for part in jigsaw(tokens, shift=5, groups=2, parts=4)]
    [[5.0, 1.0], [6.0, 2.0], [7.0, 3.0], [8.0, 4.0]]
    """
    batch, count, width = patches.shape
    length = count // parts
    if not 1 <= shift <= count or length < 1 or count < groups:
        raise ShapeError(f"{count} patches cannot be shifted by {shift} and shared by {parts} parts")
    shifted = torch.cat([patches[:, shift - 1 :], patches[:, : shift - 1]], dim=1)
    missing = -count % groups
    if missing:
        shifted = torch.cat([shifted, shifted[:, -2:-1].expand(-1, missing, -1)], dim=1)
    shuffled = shifted.view(batch, groups, -1, width).transpose(1, 2).reshape(batch, -1, width)
    return [shuffled[:, start : start + length] for start in range(0, length * parts, length)]
