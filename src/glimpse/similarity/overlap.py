"""OIoU: how much of what a donor picture leaves visible another person's picture would fill (SPT)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import ShapeError


def occlusion_aware_overlap(
    targets: NDArray[np.bool_], donors: NDArray[np.bool_], rolls: int
) -> NDArray[np.float64]:
    """OIoU of every target rolled by every step with every donor (dpm_family 4.3).

    `OIoU(i <- j, r) = |roll(M_i, r) and M_j| / |M_j|`. The denominator is the donor's visible area rather
    than the union, so a heavily occluded donor is not punished for being so.

    Args:
        targets: [A, H, W] visibility masks M_i.
        donors: [B, H, W] visibility masks M_j.
        rolls: R, the cyclic shifts of the target along its width: 0 to R - 1.

    Returns:
        [A, R, B]; -1 for a donor that shows nothing, so that it is never chosen.
    """
    if targets.ndim != 3 or donors.ndim != 3 or targets.shape[1:] != donors.shape[1:]:
        raise ShapeError(
            f"targets and donors must be [N, H, W] of one size, got {list(targets.shape)} and "
            f"{list(donors.shape)}"
        )
    rolled = np.stack([np.roll(targets, step, axis=2) for step in range(rolls)], 1)
    areas = donors.reshape(len(donors), -1).sum(1).astype(np.float64)
    common = rolled.reshape(len(targets), rolls, -1).astype(np.float32) @ (
        donors.reshape(len(donors), -1).astype(np.float32).T
    )
    overlap = np.full(common.shape, -1.0)
    np.divide(common, areas, out=overlap, where=areas > 0)
    return overlap
