"""Salient cells of a cut: those with texture that recurs in other images of the person.

See dpmpp.md, "Person masks".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import ShapeError
from glimpse.segmentation.base import SURE, GrabCutSettings, opencv, seed_mask

COLOURS, PATTERNS = 8, 9  # bins; given by the design (dpmpp.md, "Person masks")
_STEP = 3  # gray levels by which a neighbor must be brighter


def in_cells(values: NDArray[np.generic], grid: tuple[int, int]) -> NDArray[np.generic]:
    """`[H, W]` as `[cells, pixels of a cell]`, row after row of cells."""
    (height, width), (rows, columns) = values.shape, grid
    if height % rows or width % columns:
        raise ShapeError(f"{height}x{width} pixels cannot be cut into {rows}x{columns} equal cells")
    blocks = values.reshape(rows, height // rows, columns, width // columns)
    return blocks.transpose(0, 2, 1, 3).reshape(rows * columns, -1)


def coverage(mask: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.float64]:
    """The share of each cell that a mask `[H, W]` covers, `[cells]`."""
    covered: NDArray[np.float64] = in_cells(mask, grid).astype(np.float64).mean(1)
    return covered


def texture(image: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.float64]:
    """The mean strength of the edges in each cell, `[cells]`."""
    cv2 = opencv()
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    strength: NDArray[np.float64] = in_cells(np.hypot(across, down), grid).astype(np.float64).mean(1)
    return strength


def descriptors(image: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Descriptors of cells, `[cells, 33]`: an inner product is the Hellinger similarity of two, in 0..1."""
    cv2 = opencv()
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    histograms = [_histograms(in_cells(lab[:, :, c] // (256 // COLOURS), grid), COLOURS) for c in range(3)]
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.int16)
    histograms.append(_histograms(in_cells(brighter_neighbors(gray), grid), PATTERNS))
    joined = np.concatenate(histograms, axis=1)
    unit: NDArray[np.float32] = np.sqrt(joined / joined.sum(1, keepdims=True)).astype(np.float32)
    return unit


def brighter_neighbors(gray: NDArray[np.int16]) -> NDArray[np.int64]:
    """How many of the 8 neighbors of each pixel are brighter, `[H, W]`; the border repeats itself.

    >>> brighter_neighbors(np.array([[9, 9, 9], [9, 0, 9], [0, 0, 0]], np.int16))[1].tolist()
    [0, 5, 0]
    """
    height, width = gray.shape
    around = np.pad(gray, 1, mode="edge")
    count = np.zeros(gray.shape, np.int64)
    for down in range(3):
        for across in range(3):
            count += around[down : down + height, across : across + width] > gray + _STEP
    return count


def _histograms(values: NDArray[np.generic], bins: int) -> NDArray[np.float64]:
    """`[cells, bins]` counts of whole numbers `[cells, pixels]` in 0..bins - 1."""
    cells = len(values)
    flat = values.astype(np.int64) + bins * np.arange(cells)[:, None]
    counts = np.bincount(flat.ravel(), minlength=cells * bins)
    return counts.reshape(cells, bins).astype(np.float64)


_MOST_ALIKE = 3  # given by the design (dpmpp.md, "Person masks")
_LEAST_PIECE = 3


def consistent(
    looks: NDArray[np.float32], covered: NDArray[np.bool_], settings: GrabCutSettings
) -> NDArray[np.bool_]:
    """Cells similar to cells of the person's other images, `[n, cells]`.

    An object that occludes one image only has no similar cells in the others, at about the same height.

    Args:
        looks: [n, cells, K]; unit descriptors of the person's n images.
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
    """Whether as many cells are salient as a person fills, the middle of the image among them."""
    least, most = settings.area
    rows, columns = settings.grid
    core = seed_mask(8 * rows, 8 * columns).reshape(rows, 8, columns, 8)
    middle = (core == SURE).mean((1, 3)) >= 0.5
    inside = bool(salient[middle].mean() >= settings.core) if middle.any() else True
    return bool(least <= salient.mean() <= most) and inside
