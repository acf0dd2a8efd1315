"""What images were taken with, as numbers: the columns of `Records` that an encoder may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glimpse.errors import OptionError, ShapeError
from glimpse.records.columns import IMAGE_MODALITIES, NO_CAMERA, NO_MODALITY, TEXT, IntArray

if TYPE_CHECKING:
    from glimpse.records.table import Records

UNKNOWN = -1
"""A modality that is not known, among numbers; a camera is `NO_CAMERA`."""


@dataclass(frozen=True, eq=False)
class Capture:
    """Camera and modality of N images.

    Attributes:
        cameras: int64 [N]; numbers as their data set prints them, `NO_CAMERA` if unknown.
        modalities: int64 [N]; places in `IMAGE_MODALITIES`, -1 if unknown.

    >>> capture = Capture.given(3, cameras=4, modalities=["rgb", "ir", None])
    >>> capture.cameras.tolist(), capture.modalities.tolist()
    ([4, 4, 4], [0, 1, -1])
    """

    cameras: IntArray
    modalities: IntArray

    def __len__(self) -> int:
        return len(self.cameras)

    def __getitem__(self, rows: slice | ArrayLike) -> Capture:
        """The chosen images: a slice, a list of numbers or a boolean [N]."""
        chosen = rows if isinstance(rows, slice) else np.asarray(rows)
        return Capture(self.cameras[chosen], self.modalities[chosen])

    @classmethod
    def of(cls, records: Records) -> Capture:
        """As records of images tell it; captions are taken with nothing, both are unknown."""
        is_text = records.modality == TEXT
        names = np.where(is_text, NO_MODALITY, records.modality)
        return cls(np.where(is_text, NO_CAMERA, records.camera), modality_numbers(names))

    @classmethod
    def unknown(cls, count: int) -> Capture:
        """Of N images of which nothing is known."""
        return cls.given(count)

    @classmethod
    def given(
        cls, count: int, cameras: ArrayLike | None = None, modalities: ArrayLike | None = None
    ) -> Capture:
        """As a caller tells it of N images.

        Args:
            count: N.
            cameras: `[N]` or one number for all; None if unknown.
            modalities: `[N]` or one for all: names (None or "" if unknown) or their numbers; None if unknown.
        """
        numbers = np.asarray(NO_CAMERA if cameras is None else cameras)
        if numbers.ndim == 0:
            numbers = np.full(count, numbers)
        whole = np.issubdtype(numbers.dtype, np.integer) or not numbers.size  # numpy takes [] for floats
        if numbers.shape != (count,) or not whole:
            raise ShapeError(f"cameras must be integers [{count}], got {numbers.dtype} {list(numbers.shape)}")
        bands = modality_numbers(modalities)
        if bands.ndim == 0:
            bands = np.full(count, bands)
        if bands.shape != (count,):
            raise ShapeError(f"modalities must be [{count}], got {list(bands.shape)}")
        return cls(numbers.astype(np.int64), bands)


def modality_numbers(given: ArrayLike | None) -> IntArray:
    """Modalities of images by name or by number as numbers: places in `IMAGE_MODALITIES`, -1 for unknown.

    >>> modality_numbers(["ir", "rgb", ""]).tolist()
    [1, 0, -1]
    """
    values = np.asarray(given)
    if np.issubdtype(values.dtype, np.integer):
        numbers = values.astype(np.int64)
        right = (numbers >= UNKNOWN) & (numbers < len(IMAGE_MODALITIES))
    else:
        names = values.astype(object)
        # elementwise on purpose: None stands for unknown, too
        numbers = np.where((names == NO_MODALITY) | (names == None), UNKNOWN, UNKNOWN - 1)  # noqa: E711
        for number, name in enumerate(IMAGE_MODALITIES):
            numbers = np.where(names == name, number, numbers)
        right = numbers >= UNKNOWN
    if not np.all(right):
        wrong = values[~right].tolist()[0] if values.ndim else values.item()
        choices = ", ".join(f"{name} ({number})" for number, name in enumerate(IMAGE_MODALITIES))
        raise OptionError(f"the modality of an image is {choices} or unknown (None, -1), got {wrong!r}")
    return np.asarray(numbers, np.int64)
