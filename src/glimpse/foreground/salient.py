"""Which cells of a cut show the person: textured, and alike in their other pictures (dpm_family 6.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glimpse.foreground.cut import SURE, opencv, seed_mask
from glimpse.foreground.settings import GrabCutSettings

_MOST_ALIKE = 3  # given by the design (dpm_family 6.7)
_LEAST_PIECE = 3


def consistent(
    looks: NDArray[np.float32], covered: NDArray[np.bool_], settings: GrabCutSettings
) -> NDArray[np.bool_]:
    """Cells whose like is seen in the person's other pictures, `[n, cells]`.

    An object in front of one picture only has no like in the others, at about the same height.

    Args:
        looks: [n, cells, K]; unit descriptors of the person's n pictures.
        covered: [n, cells]; the cells that were cut out as person.
        settings: likeness, siblings, grid.
    """
    count, cells, width = looks.shape
    if count < settings.siblings:
        return np.ones((count, cells), bool)
    rows, columns = settings.grid
    of_rows = looks.reshape(count, rows, columns, width)
    cut_out = covered.reshape(count, rows, columns)
    result = np.zeros((count, rows, columns), bool)
    for row in range(rows):
        near = slice(max(row - 1, 0), row + 2)
        likes = of_rows[:, near].reshape(-1, width)
        for one in range(count):
            others = cut_out[:, near].copy()
            others[one] = False
            alike = of_rows[one, row] @ likes[others.reshape(-1)].T
            among = min(alike.shape[1], _MOST_ALIKE)
            if among:
                best = np.partition(alike, -among, axis=1)[:, -among:]
                result[one, row] = best.mean(1) >= settings.likeness
    return result.reshape(count, cells)


def tidied(salient: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected piece of `[rows, columns]` and others of 3 cells or more, without 1-cell holes.

    >>> tidied(np.array([[1, 1, 1, 0, 0], [1, 0, 1, 0, 1], [1, 1, 1, 0, 0]], bool)).astype(int).tolist()
    [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]]
    """
    count, labels, stats, _ = opencv().connectedComponentsWithStats(salient.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros_like(salient)
    sizes = stats[1:, -1]
    kept = sizes >= _LEAST_PIECE
    kept[sizes.argmax()] = True
    whole: NDArray[np.bool_] = np.concatenate([[False], kept])[labels]
    around = np.pad(whole, 1, constant_values=True)
    hole = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return whole | hole


def trusted(salient: NDArray[np.bool_], settings: GrabCutSettings) -> bool:
    """Whether as many cells are salient as a person fills, the middle of the picture among them."""
    least, most = settings.area
    rows, columns = settings.grid
    core = seed_mask(8 * rows, 8 * columns).reshape(rows, 8, columns, 8)
    middle = (core == SURE).mean((1, 3)) >= 0.5
    inside = bool(salient[middle].mean() >= settings.core) if middle.any() else True
    return bool(least <= salient.mean() <= most) and inside
