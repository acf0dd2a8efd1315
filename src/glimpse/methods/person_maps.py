"""Where the persons of the training rows are, for the hosts of patch transfer."""

from __future__ import annotations

import sys
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
    *,
    quiet: bool = True,
) -> Mapping[str, NDArray[np.uint8]]:
    """The map of persons if the recipe transfers patches, else nothing.

    Args:
        recipe: of any method.
        rows: to train on.
        pixels: of these rows.
        folder: keeps what takes long.
        source: of the masks; GrabCut if not given.
        progress: shows progress.
        quiet: print no estimate of how long it takes.
    """
    transfer = getattr(recipe, "transfer", None)
    if transfer is None or not transfer.share:
        return {}
    say = _silent if quiet else _tell
    grabcut = GrabCutMasks(folder, progress=progress, say=say)
    found = (source or grabcut).masks(pixels, rows.person)
    return {PERSON: found.astype(np.uint8)}


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _silent(sentence: str) -> None:
    pass
