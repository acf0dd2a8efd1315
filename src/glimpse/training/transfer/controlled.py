"""Which donor hides how much of a person: pairing with controlled visibility.

See dpmpp.md, "Synthetic copies".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError
from glimpse.training.transfer.pairing import NOBODY


@dataclass(frozen=True)
class ControlledRule:
    """How a donor is chosen; the constants are the design's (dpmpp.md, "Synthetic copies").

    Attributes:
        overlap: what of a donor's visible cells the target must fill at least (OIoU).
        visible: from where to where the wanted visible share of the target is drawn.
        tolerance: by how much the share may miss the wanted one.
        best: donors among which one is drawn, the largest overlaps first.
        shift: columns of cells by which the target may move to either side, a quarter of the grid at most.
        smallest: cells that a donor must show at least.
        border: cells around a donor's person that belong to its window too, so that nothing of the donor's
            body shows beside the target. Our addition: at 0 copies were patchworks of two persons, and
            training with them did harm.
    """

    overlap: float = 0.7
    visible: tuple[float, float] = (0.3, 0.9)
    tolerance: float = 0.1
    best: int = 5
    shift: int = 2
    smallest: int = 4
    border: int = 1

    def __post_init__(self) -> None:
        low, high = self.visible
        if not (0 <= self.overlap <= 1 and 0 <= low <= high <= 1 and self.tolerance >= 0):
            raise OptionError(
                "overlap and visible must lie in 0..1 and tolerance not below 0, "
                f"got {self.overlap}, {self.visible} and {self.tolerance}"
            )
        if self.best < 1 or self.smallest < 1 or min(self.shift, self.border) < 0:
            raise OptionError(
                "best and smallest must be at least 1, shift and border not below 0, "
                f"got {self.best}, {self.smallest}, {self.shift} and {self.border}"
            )


@dataclass(frozen=True, eq=False)
class ControlledPairs:
    """Donors of T targets.

    Attributes:
        donors: int64 [T]; a row of the donors, or `NOBODY`.
        shifts: int64 [T]; columns of cells by which the target moves to the right; what leaves is lost.
        visible: float64 [T]; the share of the target's cells that stays visible, 1 without a donor.
    """

    donors: NDArray[np.int64]
    shifts: NDArray[np.int64]
    visible: NDArray[np.float64]


def shifted(cells: NDArray[np.bool_], shift: int) -> NDArray[np.bool_]:
    """Cells `[..., W]` moved to the right by `shift` columns, to the left if it is negative; no wrap-around.

    >>> cells = np.array([True, False, True])
    >>> shifted(cells, 1).tolist(), shifted(cells, -1).tolist()
    ([False, True, False], [False, True, False])
    """
    result = np.zeros_like(cells)
    if shift >= 0:
        result[..., shift:] = cells[..., : cells.shape[-1] - shift]
    else:
        result[..., :shift] = cells[..., -shift:]
    return result


def windows_of(cells: NDArray[np.bool_], border: int) -> NDArray[np.bool_]:
    """Cells `[..., H, W]` and those around them, up to `border` away in every direction.

    >>> windows_of(np.array([[False, False, True]]), 1).tolist()
    [[False, True, True]]
    """
    result = cells
    for _ in range(border):
        wider = result | shifted(result, 1) | shifted(result, -1)
        upright = np.swapaxes(wider, -1, -2)
        result = np.swapaxes(upright | shifted(upright, 1) | shifted(upright, -1), -1, -2)
    return result


def controlled_pairs(
    targets: NDArray[np.bool_],
    donors: NDArray[np.bool_],
    target_labels: NDArray[np.int64],
    donor_labels: NDArray[np.int64],
    rule: ControlledRule,
    generator: np.random.Generator,
) -> ControlledPairs:
    """Draw a donor for every target.

    A visible share v* is drawn per target. Of the donors of other persons whose window the target fills
    well enough, those count that leave it visible by v* within the tolerance; one of the best of them is
    drawn. If there is none, the one whose share comes closest to v* is taken; without any it stays clean.

    Args:
        targets: `[T, H, W]`; cells that show the person.
        donors: `[M, H, W]`; the target is seen within their windows, see `windows_of`.
        target_labels: `[T]`; persons.
        donor_labels: `[M]`.
        rule: how a donor is chosen.
        generator: two numbers are drawn per target, whatever comes out.

    >>> masks = np.zeros((2, 4, 4), bool)
    >>> masks[0, :, 1:3], masks[1, :2, 1:3] = True, True
    >>> pairs = controlled_pairs(masks[:1], masks[1:], np.array([0]), np.array([1]), ControlledRule(),
    ...                          np.random.default_rng(0))
    >>> pairs.donors.tolist(), pairs.shifts.tolist(), pairs.visible.tolist()
    ([0], [0], [0.75])
    """
    if targets.ndim != 3 or donors.ndim != 3 or targets.shape[1:] != donors.shape[1:]:
        raise ShapeError(
            f"targets and donors must be [N, H, W] of one size, got {list(targets.shape)} and "
            f"{list(donors.shape)}"
        )
    count, _, width = targets.shape
    low, high = rule.visible
    wanted: NDArray[np.float64] = low + (high - low) * generator.random((count, 1))
    drawn: NDArray[np.float64] = generator.random((count,))
    result = ControlledPairs(np.full(count, NOBODY), np.zeros(count, np.int64), np.ones(count))
    if not count or not len(donors):
        return result
    reach = min(rule.shift, width // 4)
    # the smallest shift first: it wins among equals
    shifts = np.array(sorted(range(-reach, reach + 1), key=lambda shift: (abs(shift), shift)), np.int64)
    moved = np.stack([shifted(targets, int(shift)) for shift in shifts], 1).reshape(count, len(shifts), -1)
    areas, own = donors.sum((1, 2)), targets.sum((1, 2))
    # a border that the target leaves empty is no fault of the donor's
    overlap = (_common(moved, donors) / np.maximum(areas, 1)).reshape(count, -1)
    seen = _common(moved, windows_of(donors, rule.border))
    visible = (seen / np.maximum(own, 1)[:, None, None]).reshape(count, -1)
    stranger = target_labels[:, None] != donor_labels
    accepted = stranger & (areas >= rule.smallest) & (own > 0)[:, None]
    accepted = np.repeat(accepted[:, None], len(shifts), 1).reshape(count, -1) & (overlap >= rule.overlap)
    miss = np.abs(visible - wanted)
    inside = accepted & (miss <= rule.tolerance)
    for row in range(count):
        fit = np.flatnonzero(inside[row])
        if len(fit):
            fit = fit[np.argsort(-overlap[row, fit], kind="stable")[: rule.best]]
            chosen = fit[int(drawn[row] * len(fit))]
        elif accepted[row].any():
            chosen = np.where(accepted[row], miss[row], np.inf).argmin()
        else:
            continue
        step, donor = divmod(int(chosen), len(donors))
        result.donors[row], result.shifts[row] = donor, shifts[step]
        result.visible[row] = visible[row, chosen]
    return result


def _common(moved: NDArray[np.bool_], donors: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How many cells `[T, R, M]` each moved target `[T, R, cells]` shares with each donor `[M, H, W]`."""
    donor_rows = donors.reshape(len(donors), -1).T.astype(np.float32)
    common: NDArray[np.float32] = moved.astype(np.float32) @ donor_rows
    return common
