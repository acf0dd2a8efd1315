"""Synthetic occluded copies beside the images of a batch (dpmpp.md, "Synthetic copies")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.errors import OptionError
from glimpse.segmentation.base import PERSON
from glimpse.training.augment import Erasing
from glimpse.training.augment.erasing import erased
from glimpse.training.augment.pipeline import normalized
from glimpse.training.batches import Batch
from glimpse.training.transfer.bank import DonorBank
from glimpse.training.transfer.controlled import ControlledRule, controlled_pairs, shifted, windows_of
from glimpse.training.transfer.mixing import cells_of
from glimpse.training.transfer.pairing import NOBODY

Three = tuple[float, float, float]
UNKNOWN = -1
"""In `Batch.seen`: nobody knows where this image shows its person."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """Copies of some images.

    Attributes:
        images: `[S, 3, H, W]`.
        ignored: int64 [S]; the donor's person, or -1.
        shown: bool `[S, rows, columns]`; cells in which the copy shows what its source shows, moved alike.
        persons: bool `[S, rows, columns]`; where the person would be seen without the donor.
    """

    images: Tensor
    ignored: NDArray[np.int64]
    shown: NDArray[np.bool_]
    persons: NDArray[np.bool_]


Hide = Callable[[Tensor, NDArray[np.bool_], NDArray[np.int64], np.random.Generator], Hidden]
"""From images `[S, 3, H, W]`, their persons' cells `[S, rows, columns]` and their labels `[S]`."""


@dataclass(frozen=True)
class OccludedCopies:
    """Appends occluded copies to a batch; what random erasing does, it does to the others only.

    Attributes:
        share: of the images that get a copy; those whose person is known come first.
        grid: rows and columns of cells.
        hide: what makes the copies.
        erasing: of the images themselves, or None: done here, so that copies are not damaged twice.
    """

    share: float
    grid: tuple[int, int]
    hide: Hide
    erasing: Erasing | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or min(self.grid) < 1:
            raise OptionError(
                f"share must lie in 0..1 and above 0, and the grid have cells, got {self.share}, {self.grid}"
            )

    def apply(self, batch: Batch, generator: np.random.Generator) -> Batch:
        """The batch with copies at its end."""
        count, device = len(batch), batch.images.device
        grid = self.grid
        persons: NDArray[np.bool_] = np.ones((count, *grid), bool)
        known: NDArray[np.bool_] = np.zeros(count, bool)
        if PERSON in batch.maps:
            persons = cells_of(batch.maps[PERSON], grid).cpu().numpy()
            known = np.asarray(persons.any((1, 2)))
        rows = self._copied(persons, generator)
        chosen = torch.from_numpy(rows).to(device)
        labels = batch.labels.cpu().numpy()
        hidden = self.hide(batch.images[chosen], persons[rows], labels[rows], generator)
        images = batch.images
        if self.erasing is not None:
            draws = torch.Generator().manual_seed(int(generator.integers(2**63)))
            size = (images.shape[2], images.shape[3])
            images = erased(images.clone(), self.erasing.draw(count, size, draws), self.erasing)
        visible = np.concatenate([np.ones((count, grid[0])), _visible(hidden)]).astype(np.float32)
        seen = np.concatenate([persons, hidden.shown & hidden.persons]).astype(np.float32)
        seen[~np.concatenate([known, known[rows]])] = UNKNOWN

        def appended(values: Tensor) -> Tensor:
            return torch.cat([values, values[chosen]])

        nobody = torch.full((count,), NOBODY, device=device)
        return replace(
            batch,
            rows=appended(batch.rows),
            labels=appended(batch.labels),
            cameras=appended(batch.cameras),
            modalities=appended(batch.modalities),
            images=torch.cat([images, hidden.images]),
            maps={name: appended(values) for name, values in batch.maps.items()},
            columns={name: appended(values) for name, values in batch.columns.items()},
            captions=(*batch.captions, *(batch.captions[row] for row in rows if batch.captions)),
            ignored=torch.cat([nobody, torch.from_numpy(hidden.ignored).to(device)]),
            sources=torch.cat([nobody, chosen]),
            visible=torch.from_numpy(visible).to(device),
            seen=torch.from_numpy(seen).to(device),
        )

    def _copied(self, persons: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64]:
        """Rows that get a copy: always as many, or processes could not gather theirs."""
        order = generator.permutation(len(persons))
        known = persons[order].any((1, 2))
        order = order[np.argsort(~known, kind="stable")]
        chosen: NDArray[np.int64] = np.sort(order[: max(round(self.share * len(persons)), 1)])
        return chosen


def _visible(hidden: Hidden) -> NDArray[np.float64]:
    """`[S, rows]`: the share of its person that each row of cells shows; where there is no person, of all."""
    shown, persons = hidden.shown, hidden.persons
    inside = persons.sum(2)
    share = (shown & persons).sum(2) / np.maximum(inside, 1)
    visible: NDArray[np.float64] = np.where(inside > 0, share, shown.mean(2))
    return visible


@dataclass(frozen=True, eq=False)
class TransferHide:
    """Persons behind the windows of donors: `x_i A + x_j (1 - A)`, x_i moved as the pairing found.

    Attributes:
        bank: the donors.
        mean: of the normalization.
        std: likewise.
        flip: probability that a donor is mirrored.
        rule: how a donor is chosen.
    """

    bank: DonorBank
    mean: Three
    std: Three
    flip: float = 0.5
    rule: ControlledRule = field(default_factory=ControlledRule)

    def __call__(
        self,
        images: Tensor,
        persons: NDArray[np.bool_],
        labels: NDArray[np.int64],
        generator: np.random.Generator,
    ) -> Hidden:
        """See `Hide`."""
        bank = self.bank
        mirrored = generator.random(len(bank)) < self.flip
        cells = np.where(mirrored[:, None, None], bank.cells[:, :, ::-1], bank.cells)
        pairs = controlled_pairs(persons, cells, labels, bank.labels, self.rule, generator)
        paired = np.flatnonzero(pairs.donors >= 0)
        shown = np.ones_like(persons)
        moved, result = persons.copy(), images.clone()
        ignored = np.full(len(labels), NOBODY)
        _, columns = persons.shape[1:]
        cell = images.shape[3] // columns
        for row in paired:
            donor, shift = int(pairs.donors[row]), int(pairs.shifts[row])
            image = normalized(bank.pixels[donor][None].to(images.device), self.mean, self.std)[0]
            image = image.flip(2) if mirrored[donor] else image
            open_cells = windows_of(cells[donor], self.rule.border)
            open_cells &= shifted(np.ones_like(open_cells), shift)
            window = torch.from_numpy(open_cells).to(images.device)
            target = images[row].roll(shift * cell, dims=2)
            wide = torch.nn.functional.interpolate(window[None, None].float(), size=images.shape[2:])[0]
            result[row] = torch.where(wide > 0, target, image)
            shown[row], moved[row] = window.cpu().numpy(), shifted(persons[row], shift)
            ignored[row] = bank.labels[donor]
        return Hidden(result, ignored, shown, moved)


@dataclass(frozen=True)
class ErasingHide:
    """Persons behind a rectangle of noise: what random erasing can do instead, the control.

    Attributes:
        erasing: of which images and how large.
    """

    erasing: Erasing

    def __call__(
        self,
        images: Tensor,
        persons: NDArray[np.bool_],
        labels: NDArray[np.int64],
        generator: np.random.Generator,
    ) -> Hidden:
        """See `Hide`."""
        draws = torch.Generator().manual_seed(int(generator.integers(2**63)))
        height, width = images.shape[2:]
        rectangles = self.erasing.draw(len(images), (height, width), draws)
        gone = rectangles.mask(height, width)
        shown = ~cells_of(gone.byte(), (persons.shape[1], persons.shape[2])).numpy()
        hidden = erased(images.clone(), rectangles, self.erasing)
        return Hidden(hidden, np.full(len(labels), NOBODY), shown, persons)
