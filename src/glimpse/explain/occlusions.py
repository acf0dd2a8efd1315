"""Synthetic occluded samples as patch transfer makes them, each with its donor and what stays visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from glimpse.errors import OptionError
from glimpse.explain.drawing import Cell, Row, draw_sheet, outlined
from glimpse.pixels import decode, resize
from glimpse.progress import Progress, silent
from glimpse.records import TEXT, Records
from glimpse.segmentation import GrabCutMasks, GrabCutSettings, MaskSource
from glimpse.training.transfer.controlled import ControlledRule, controlled_pairs, shifted, windows_of
from glimpse.training.transfer.mixing import cells_of

Pixels = NDArray[np.uint8]

# our choices: a batch as training draws it, large enough that most targets find a donor
PERSONS, EACH = 8, 6
_TITLES = ("target", "its mask", "donor", "its window", "mixed")


@dataclass(frozen=True, eq=False)
class Sample:
    """One synthetic image.

    Attributes:
        target: uint8 `[H, W, 3]`, whose person it shows.
        person: bool `[H, W]`, the target's mask.
        donor: uint8 `[H, W, 3]`, whose occluder it shows.
        window: bool `[rows, columns]`, the cells of the donor through which the target is seen.
        shift: columns of cells by which the target was moved to the right.
        mixed: uint8 `[H, W, 3]`.
        visible: the share of the target's own cells that can be seen in `mixed`.
    """

    target: Pixels
    person: NDArray[np.bool_]
    donor: Pixels
    window: NDArray[np.bool_]
    shift: int
    mixed: Pixels
    visible: float


class _Held:
    """Images in memory, as a mask source reads them."""

    def __init__(self, images: Pixels) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: object) -> Pixels:
        read: Pixels = self.images[np.asarray(rows)]
        return read


def synthetic_samples(
    training: Records,
    count: int,
    generator: np.random.Generator,
    *,
    rule: ControlledRule | None = None,
    source: MaskSource | None = None,
    progress: Progress = silent,
) -> list[Sample]:
    """Draw a batch of training images, transfer patches, and choose samples over the range of visibility.

    As in DPM++, but donors come from the batch and nothing is augmented.

    Args:
        training: images with persons.
        count: how many samples; there may be fewer, as not every target finds a donor.
        generator: draws the batch and the donors.
        rule: how a donor is chosen; the design's if not given.
        source: of the persons' masks; GrabCut if not given.
        progress: shows progress.

    Returns:
        The samples, the least visible first.
    """
    rows = _batch(training, generator)
    persons = training.person[rows]
    images, masks = _masked(training.path[rows].tolist(), persons, source, progress)
    cells = cells_of(torch.from_numpy(masks), GrabCutSettings().grid).numpy()
    rule = rule or ControlledRule()
    windows = windows_of(cells, rule.border)
    pairs = controlled_pairs(cells, cells, persons, persons, rule, generator)
    samples: list[Sample] = []
    for target in _of_many_donors(pairs.donors, count, generator):
        donor, shift = pairs.donors[target], int(pairs.shifts[target])
        # what the shift brings in from nowhere is not the target's to show
        window = windows[donor] & shifted(np.ones_like(windows[donor]), shift)
        samples.append(
            Sample(
                target=images[target],
                person=masks[target],
                donor=images[donor],
                window=window,
                shift=shift,
                mixed=_mixed(images[target], images[donor], window, shift),
                visible=float(pairs.visible[target]),
            )
        )
    samples.sort(key=lambda sample: sample.visible)
    chosen = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int)
    return [samples[place] for place in chosen]


def _mixed(target: Pixels, donor: Pixels, window: NDArray[np.bool_], shift: int) -> Pixels:
    """The moved target inside the window, the donor outside."""
    tall, wide = target.shape[0] // window.shape[0], target.shape[1] // window.shape[1]
    inside = np.kron(window, np.ones((tall, wide), bool))[..., None]
    mixed: Pixels = np.where(inside, np.roll(target, shift * wide, axis=1), donor)
    return mixed


def _of_many_donors(
    donors: NDArray[np.int64], count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Targets with a donor: one for each donor, or all if that would be fewer than `count`."""
    found = generator.permutation(np.flatnonzero(donors >= 0))
    _, first = np.unique(donors[found], return_index=True)
    return found if len(first) < count else found[first]


def draw_samples(samples: Sequence[Sample]) -> Image.Image:
    """A row per sample."""
    return draw_sheet([_row(sample) for sample in samples], _TITLES)


def _row(sample: Sample) -> Row:
    images = (
        sample.target,
        outlined(sample.target, sample.person),
        sample.donor,
        outlined(sample.donor, sample.window),
        sample.mixed,
    )
    return Row(tuple(Cell(image) for image in images), f"{100 * sample.visible:.0f} % visible")


def _batch(training: Records, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows of some persons, several each: images of one person help to find the masks of the others."""
    usable = np.flatnonzero((training.modality != TEXT) & (training.person >= 0))
    persons, counts = np.unique(training.person[usable], return_counts=True)
    persons = persons[counts >= GrabCutSettings().siblings]
    if len(persons) < 2:
        raise OptionError(
            f"synthetic occlusions need two persons with {GrabCutSettings().siblings} training images "
            f"each, got {len(persons)}"
        )
    drawn = generator.permutation(persons)[:PERSONS]
    parts = [
        generator.permutation(usable[training.person[usable] == person])[:EACH].astype(np.int64)
        for person in drawn
    ]
    return np.concatenate(parts)


def _masked(
    paths: Sequence[str], persons: NDArray[np.int64], source: MaskSource | None, progress: Progress
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Images of the size of the mask source, and their persons' masks."""
    with TemporaryDirectory() as folder:
        # cuts are quickly made again: whoever wants to keep them brings a source with a folder
        source = source or GrabCutMasks(Path(folder), progress=progress)
        images = np.stack([resize(decode(path), source.size) for path in paths])
        return images, source.masks(_Held(images), persons)
