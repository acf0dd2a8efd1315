"""Images that lend their occluders to every batch: some of the training rows, the occluded ones first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.errors import OptionError
from glimpse.training.batches import TrainingData
from glimpse.training.transfer.mixing import cells_of

_FLOOR = 0.05  # given by the design: what an unoccluded donor is drawn with (dpmpp.md, "Synthetic copies")
_USUAL = 0.5  # given by the design: cells that show the person in at least this share of the images
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class DonorBank:
    """M donors, as they are in the training data.

    Attributes:
        pixels: uint8 `[M, H, W, 3]`.
        cells: bool `[M, rows, columns]`; the cells that show each image's person.
        labels: `[M]`; persons.
    """

    pixels: Tensor
    cells: NDArray[np.bool_]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def donor_bank(data: TrainingData, person: str, grid: tuple[int, int], size: int, seed: int) -> DonorBank:
    """Draw up to `size` donors among the rows with a mask, by `.05 + o` for a degree of occlusion o.

    The bank stays the same for the whole run; that the design renews it with every epoch would matter
    only where the bank is much smaller than the data.

    Args:
        data: with pixels and the map `person`.
        person: the name of the map of persons.
        grid: rows and columns of cells.
        size: M at most.
        seed: of the draw.
    """
    if person not in data.maps or data.pixels is None:
        raise OptionError(f"donors need pixels and the map {person!r} of where persons are")
    masks = data.maps[person]
    cells = np.concatenate(
        [
            cells_of(torch.from_numpy(masks[start : start + _AT_ONCE]), grid).numpy()
            for start in range(0, len(masks), _AT_ONCE)
        ]
    )
    usable = np.flatnonzero(cells.any((1, 2)))
    chance = _FLOOR + occlusion_degrees(cells[usable])
    count = min(size, len(usable))
    rows = usable
    if count < len(usable):
        drawn = np.random.default_rng(seed).choice(len(usable), count, replace=False, p=chance / chance.sum())
        rows = np.sort(usable[drawn])
    return DonorBank(torch.from_numpy(data.pixels.read(rows).copy()), cells[rows], data.labels[rows])


def occlusion_degrees(cells: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`o = 1 - |S and B| / |B|`, `[M]`: how much of where persons usually are shows none.

    See dpmpp.md, "Synthetic copies".

    B are the cells that show the person in half of the images.

    >>> occlusion_degrees(np.array([[[True, True]], [[True, True]], [[True, False]]])).tolist()
    [0.0, 0.0, 0.5]
    """
    if not len(cells):
        return np.zeros(0)
    usual = cells.mean(0) >= _USUAL
    shown: NDArray[np.float64] = (cells & usual).sum((1, 2)) / max(int(usual.sum()), 1)
    return 1 - shown
