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
from glimpse.explain.heat import outlined
from glimpse.explain.sheet import Cell, Row, draw_sheet
from glimpse.foreground import GrabCutMasks, GrabCutSettings, MaskSource
from glimpse.pixels import decode, resize
from glimpse.progress import Progress, silent
from glimpse.records import TEXT, Records
from glimpse.training.transfer.mixing import cells_of, mixed_images
from glimpse.training.transfer.pairing import PairingRule, paired

Pixels = NDArray[np.uint8]

# our choices: a batch as training draws it, large enough that most targets find a donor
PERSONS, EACH, SIZE = 12, 6, (128, 64)
_TITLES = ("target", "its mask", "donor", "its window", "mixed")


@dataclass(frozen=True, eq=False)
class Sample:
    """One synthetic picture.

    Attributes:
        target: uint8 `[H, W, 3]`, whose person it shows.
        person: bool `[H, W]`, the target's mask.
        donor: uint8 `[H, W, 3]`, whose occluder it shows.
        window: bool `[rows, columns]`, the cells of the donor through which the target is seen.
        mixed: uint8 `[H, W, 3]`.
        visible: the share of the target's own cells that can be seen in `mixed`.
    """

    target: Pixels
    person: NDArray[np.bool_]
    donor: Pixels
    window: NDArray[np.bool_]
    mixed: Pixels
    visible: float


class _Held:
    """Pictures in memory, as a mask source reads them."""

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
    source: MaskSource | None = None,
    progress: Progress = silent,
) -> list[Sample]:
    """Draw a batch of training pictures, transfer patches, and choose samples over the range of visibility.

    Args:
        training: pictures with persons.
        count: how many samples; there may be fewer, as not every target finds a donor.
        generator: draws the batch and the donors.
        source: of the persons' masks; GrabCut if not given.
        progress: shows progress.

    Returns:
        The samples, the least visible first.
    """
    rows = _batch(training, generator)
    images = np.stack([resize(decode(path), SIZE) for path in training.path[rows].tolist()])
    persons = training.person[rows]
    masks = _masks(images, persons, source, progress)
    grid = GrabCutSettings().grid
    windows = cells_of(torch.from_numpy(masks), grid)
    cells = windows.numpy()
    pairs = paired(cells, persons, PairingRule(same_person=False), generator)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    mixed = mixed_images(planes, windows, torch.from_numpy(pairs.donors), torch.from_numpy(pairs.rolls))
    samples: list[Sample] = []
    for target in _of_many_donors(pairs.donors, count, generator):
        window = cells[pairs.donors[target]]
        own = np.roll(cells[target], pairs.rolls[target], axis=1)
        samples.append(
            Sample(
                target=images[target],
                person=masks[target],
                donor=images[pairs.donors[target]],
                window=window,
                mixed=mixed[target].permute(1, 2, 0).numpy(),
                visible=float((own & window).sum() / max(1, own.sum())),
            )
        )
    samples.sort(key=lambda sample: sample.visible)
    chosen = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int)
    return [samples[place] for place in chosen]


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
    pictures = (
        sample.target,
        outlined(sample.target, sample.person),
        sample.donor,
        outlined(sample.donor, sample.window),
        sample.mixed,
    )
    return Row(tuple(Cell(picture) for picture in pictures), f"{100 * sample.visible:.0f} % visible")


def _batch(training: Records, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows of some persons, several each: pictures of one person help to find the masks of the others."""
    usable = np.flatnonzero((training.modality != TEXT) & (training.person >= 0))
    persons, counts = np.unique(training.person[usable], return_counts=True)
    persons = persons[counts >= GrabCutSettings().siblings]
    if len(persons) < 2:
        raise OptionError(
            f"synthetic occlusions need two persons with {GrabCutSettings().siblings} training pictures "
            f"each, got {len(persons)}"
        )
    drawn = generator.permutation(persons)[:PERSONS]
    parts = [
        generator.permutation(usable[training.person[usable] == person])[:EACH].astype(np.int64)
        for person in drawn
    ]
    return np.concatenate(parts)


def _masks(
    images: Pixels, persons: NDArray[np.int64], source: MaskSource | None, progress: Progress
) -> NDArray[np.bool_]:
    if source is not None:
        return source.masks(_Held(images), persons)
    with TemporaryDirectory() as folder:
        return GrabCutMasks(Path(folder), progress=progress).masks(_Held(images), persons)
