"""What methods share that learn from visible and infrared images (agw.md, "Training aids")."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from glimpse.errors import OptionError
from glimpse.models.taken import INFRARED
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.distributed import gathered
from glimpse.training.losses import hetero_center_triplet


def check_modalities(what: str, data: TrainingData) -> None:
    """Refuse training rows of which it is not known whether they are infrared."""
    unknown = np.flatnonzero(data.modalities < 0)
    if len(unknown):
        raise OptionError(f"{what} needs to know every row's modality, and not that of row {unknown[0]}")


def cross_modal_triplet(features: Tensor, batch: Batch, margin: float) -> Tensor:
    """The hetero-center triplet loss over the batches of all processes, of features `[B, D]`."""
    labels, infrared = gathered(batch.labels), gathered(batch.modalities == INFRARED)
    return hetero_center_triplet(gathered(features), labels, infrared, margin)
