"""What the encoder's update leaves for the mask head's update of the same step (dpm_family 3.7, B2)."""

from __future__ import annotations

from typing import Generic, TypeVar

from glimpse.errors import TrainingError
from glimpse.training.stages import Step

T = TypeVar("T")


class KeptPass(Generic[T]):
    """Holds one value from one update to the next of the same step."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[int, ...], T] | None = None

    def keep(self, step: Step, value: T) -> None:
        """Keep a value for the updates that follow in this step."""
        self._kept = step.key, value

    def take(self, step: Step) -> T:
        """The value, once."""
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != step.key:
            raise TrainingError(f"the update {step.update} follows another update of the same step")
        return kept[1]
