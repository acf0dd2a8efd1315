"""What may change a training batch as a whole, after each of its images was augmented."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from glimpse.training.batches import Batch


class BatchChange(Protocol):
    """Patch transfer and its likes."""

    def apply(self, batch: Batch, generator: np.random.Generator) -> Batch:
        """The changed batch; everything that is drawn comes from the generator."""
        ...
