"""Where the persons of the training rows are, for the hosts of patch transfer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.foreground import GrabCutMasks, MaskSource
from glimpse.pixels import PixelCache
from glimpse.progress import Progress
from glimpse.records import Records
from glimpse.training.transfer.transfer import PERSON


def person_maps(
    recipe: Any,
    rows: Records,
    pixels: PixelCache,
    folder: Path,
    source: MaskSource | None,
    progress: Progress,
) -> Mapping[str, NDArray[np.uint8]]:
    """The map of persons if the recipe transfers patches, else nothing.

    Args:
        recipe: of any method.
        rows: to train on.
        pixels: of these rows.
        folder: keeps what takes long.
        source: of the masks; GrabCut if not given.
        progress: shows progress.
    """
    transfer = getattr(recipe, "transfer", None)
    if transfer is None or not transfer.share:
        return {}
    found = (source or GrabCutMasks(folder, progress=progress)).masks(pixels, rows.person)
    return {PERSON: found.astype(np.uint8)}
