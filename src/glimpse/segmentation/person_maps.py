"""Where the persons of the training rows are, for the hosts of patch transfer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.pixels import PixelCache
from glimpse.progress import Progress
from glimpse.records import Records
from glimpse.segmentation import GrabCutMasks, MaskSource
from glimpse.segmentation.base import PERSON

_AT_ONCE = 512


def mask_source(
    recipe: Any, folder: Path, given: MaskSource | None, progress: Progress, *, quiet: bool = True
) -> MaskSource | None:
    """The mask source of a training run; None if the recipe needs none.

    Args:
        recipe: of any method.
        folder: the cache of prepared pixels; masks are cached below it.
        given: a source, or None for GrabCut.
        progress: shows progress.
        quiet: print no estimate of how long it takes.
    """
    if not _needs_masks(recipe):
        if given is not None:
            raise OptionError("nothing asks where persons are: the recipe transfers no patches")
        return None
    return given or GrabCutMasks(folder / "masks", progress=progress, say=_silent if quiet else _tell)


def person_maps(
    source: MaskSource | None, rows: Records, folder: Path, size: tuple[int, int], progress: Progress
) -> Mapping[str, NDArray[np.uint8]]:
    """The map of persons in images of `size`; nothing without a source.

    Args:
        source: of the masks.
        rows: to train on.
        folder: the cache of prepared pixels.
        size: height and width of the images that are trained on.
        progress: shows progress.
    """
    if source is None:
        return {}
    images = PixelCache.build(rows.path.tolist(), folder, size=source.size, progress=progress)
    return {PERSON: shrunk(source.masks(images, rows.person), size)}


def shrunk(masks: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Masks `[N, H, W]` in another size: 1 where a half or more of a pixel's area is the person's.

    >>> shrunk(np.array([[[True, True, True, False]]]), (1, 2)).tolist()
    [[[1, 1]]]
    """
    result = np.empty((len(masks), *size), np.uint8)
    for start in range(0, len(masks), _AT_ONCE):
        some = torch.from_numpy(masks[start : start + _AT_ONCE]).float()[:, None]
        result[start : start + _AT_ONCE] = torch.nn.functional.adaptive_avg_pool2d(some, size)[:, 0] >= 0.5
    return result


def _needs_masks(recipe: Any) -> bool:
    # most recipes need them for the transfer, some for more, and some know neither
    asking = recipe if hasattr(recipe, "needs_masks") else getattr(recipe, "transfer", None)
    return asking is not None and asking.needs_masks


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _silent(sentence: str) -> None:
    pass
