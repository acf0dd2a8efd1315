"""Which image of a batch lends its occluder to which: OIoU, and the rule that pairs by it (spt.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError


def occlusion_aware_overlap(
    targets: NDArray[np.bool_], donors: NDArray[np.bool_], rolls: int
) -> NDArray[np.float64]:
    """OIoU of every target rolled by every step with every donor (spt.md, "Pairing").

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


NOBODY = -1
_OUT = -2.0  # below every overlap, which are at least -1


@dataclass(frozen=True)
class PairingRule:
    """How a donor is chosen.

    Attributes:
        candidates: share of the batch that is drawn from, the best overlaps first.
        overlap: what a donor's OIoU must exceed.
        smallest: cells that a donor must show at least; smaller windows would divide by next to nothing.
        distinct: whether a donor counts once, with its best roll, or once per roll as in the released code.
        rolled: whether the target moves by the roll that was found; the released code throws it away, and
            asks for the overlap without one.
        same_person: whether another image of the same person may lend.
    """

    candidates: float = 0.1
    overlap: float = 0.7
    smallest: int = 4
    distinct: bool = True
    rolled: bool = False
    same_person: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.candidates <= 1 or not 0 <= self.overlap <= 1 or self.smallest < 1:
            raise OptionError(
                "candidates must lie in 0..1, overlap in 0..1 and smallest be at least 1, "
                f"got {self.candidates}, {self.overlap} and {self.smallest}"
            )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Donors of the B images of a batch.

    Attributes:
        donors: int64 [B]; a row of the batch, or `NOBODY`.
        rolls: int64 [B]; columns of cells by which the target moves to the right, cyclically.
    """

    donors: NDArray[np.int64]
    rolls: NDArray[np.int64]


def paired(
    visible: NDArray[np.bool_], labels: NDArray[np.int64], rule: PairingRule, generator: np.random.Generator
) -> Pairs:
    """Draw a donor for every image.

    Args:
        visible: [B, H, W]; the cells that show the person.
        labels: [B]; persons.
        rule: how a donor is chosen.
        generator: one number is drawn per image, whatever comes out.

    >>> masks = np.zeros((2, 4, 4), bool)
    >>> masks[0, :, 1:3], masks[1, :2, 1:3] = True, True
    >>> paired(masks, np.array([0, 1]), PairingRule(), np.random.default_rng(0)).donors.tolist()
    [1, -1]
    """
    if visible.ndim != 3 or labels.shape != visible.shape[:1]:
        raise ShapeError(
            f"expected visible [B, H, W] and labels [B], got {list(visible.shape)} and {list(labels.shape)}"
        )
    batch, _, width = visible.shape
    drawn = np.asarray(generator.random(batch))
    if not batch:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    overlap = occlusion_aware_overlap(visible, visible, width)
    overlap[:, :, visible.reshape(batch, -1).sum(1) < rule.smallest] = -1
    ranked = overlap.copy()
    own = np.arange(batch)
    if rule.distinct:
        best = overlap.argmax(1)
        ranked.fill(_OUT)
        ranked[own[:, None], best, own] = overlap.max(1)
        ranked[own, :, own] = _OUT
    # rank 0 of the released code is the image itself; a distinct ranking has left it out already
    first = 0 if rule.distinct else 1
    count = max(int(rule.candidates * batch) - 1, 1)
    order = np.argsort(-ranked.reshape(batch, -1), axis=1, kind="stable")[:, first : first + count]
    rolls, donors = np.divmod(order, batch)
    used = rolls if rule.rolled else np.zeros_like(rolls)
    accepted = (overlap[own[:, None], used, donors] > rule.overlap) & (donors != own[:, None])
    accepted &= ranked.reshape(batch, -1)[own[:, None], order] > _OUT
    if not rule.same_person:
        accepted &= labels[donors] != labels[:, None]
    chosen = _one_of(accepted, drawn)
    return Pairs(
        donors=np.where(chosen >= 0, donors[own, chosen], NOBODY),
        rolls=np.where(chosen >= 0, used[own, chosen], 0),
    )


def _one_of(accepted: NDArray[np.bool_], drawn: NDArray[np.float64]) -> NDArray[np.int64]:
    """The column [B] of one True of each row, every one as likely; -1 in a row without."""
    counts = accepted.sum(1)
    wanted = (drawn * counts).astype(np.int64) + 1  # counted from 1 among the True ones
    place: NDArray[np.int64] = (accepted.cumsum(1) == wanted[:, None]).argmax(1)
    return np.where(counts > 0, place, -1)
