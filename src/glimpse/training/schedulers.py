"""Learning rates as pure functions of the epoch, counted from 1, and a group's base rate."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

from glimpse.errors import OptionError


class Schedule(Protocol):
    """A learning rate for every epoch."""

    def __call__(self, epoch: int, base: float) -> float:
        """The rate in `epoch`, for a group whose own rate is `base`."""
        ...


@dataclass(frozen=True)
class Constant:
    """The base rate in every epoch: DPM's mask optimizer (dpm.md, "Updates")."""

    def __call__(self, epoch: int, base: float) -> float:
        """The base rate."""
        return base


@dataclass(frozen=True)
class WarmupSteps:
    """A linear warm-up, then a factor at each milestone: BoT, CLIP-ReID's second stage, AGW.

    Spec baselines.md, "Warm-up and steps". The warm-up multiplies the rate by `start + (1 - start) * epoch /
    warmup`
    as long as `epoch < warmup`; from a milestone's epoch on the rate is multiplied by `factor`.

    >>> clip_reid = WarmupSteps(warmup=10, start=0.1, milestones=(30, 50))
    >>> [f"{clip_reid(epoch, 5e-6):.3g}" for epoch in (1, 5, 10, 30, 50)]
    ['9.5e-07', '2.75e-06', '5e-06', '5e-07', '5e-08']
    """

    warmup: int = 0
    start: float = 0.01
    milestones: tuple[int, ...] = ()
    factor: float = 0.1

    def __post_init__(self) -> None:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise OptionError(f"milestones must grow, got {list(self.milestones)}")

    def __call__(self, epoch: int, base: float) -> float:
        """The rate in `epoch`."""
        warm = 1.0 if epoch >= self.warmup else self.start + (1 - self.start) * epoch / self.warmup
        return base * warm * self.factor ** bisect_right(self.milestones, epoch)


@dataclass(frozen=True)
class WarmupCosine:
    """A linear warm-up, then half a cosine down to a minimum: TransReID, CLIP-ReID's first stage.

    Spec baselines.md, "Warm-up and cosine". `start` and `minimum` are rates, not factors: groups with other
    base
    rates begin and end with the rest. The cosine counts the warm-up's epochs as its own.

    >>> transreid = WarmupCosine(epochs=120, warmup=5, start=8e-5, minimum=1.6e-5)
    >>> [round(transreid(epoch, 0.008), 6) for epoch in (1, 4, 5, 60, 120)]
    [0.001664, 0.006416, 0.007966, 0.004008, 1.6e-05]
    """

    epochs: int
    warmup: int
    start: float
    minimum: float

    def __call__(self, epoch: int, base: float) -> float:
        """The rate in `epoch`."""
        if epoch < self.warmup:
            return self.start + (base - self.start) * epoch / self.warmup
        turned = math.pi * min(epoch, self.epochs) / self.epochs
        return self.minimum + 0.5 * (base - self.minimum) * (1 + math.cos(turned))


@dataclass(frozen=True)
class Later:
    """A schedule that goes on where an earlier stage of training left it.

    >>> Later(WarmupSteps(10, 0.1, (30, 50), 0.1), by=10)(1, 1.0)
    1.0
    """

    schedule: Schedule
    by: int

    def __call__(self, epoch: int, base: float) -> float:
        """The rate in `epoch` of the later stage."""
        return self.schedule(epoch + self.by, base)
