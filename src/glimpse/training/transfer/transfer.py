"""Patch transfer as a change of a training batch: the method that sees it need not know how it came about.

A host changes nothing but this: it hands `batch.mix` to its backbone and `batch.ignored` to its losses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from glimpse.choices import Mixing
from glimpse.errors import OptionError
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import Batch
from glimpse.training.transfer.mixing import cells_of, mixed_images, mixed_patches
from glimpse.training.transfer.pairing import NOBODY, PairingRule, paired


@dataclass(frozen=True)
class PatchTransfer:
    """Persons behind the occluders of other images of their batch.

    Attributes:
        share: probability that an image is mixed, if a donor is found.
        grid: rows and columns of cells; that of the backbone for `Mixing.EMBEDDING`.
        mixing: where the mixing happens.
        rule: how a donor is chosen.
    """

    share: float
    grid: tuple[int, int]
    mixing: Mixing = Mixing.PIXELS
    rule: PairingRule = field(default_factory=PairingRule)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or min(self.grid) < 1:
            raise OptionError(
                f"share must lie in 0..1 and the grid have cells, got {self.share} and {self.grid}"
            )
        if self.mixing is Mixing.EMBEDDING and self.rule.rolled:
            raise OptionError("embeddings are mixed in place: rolled targets need mixing=pixels")

    def apply(self, batch: Batch, generator: np.random.Generator) -> Batch:
        """The batch with some of its images mixed; labels stay (spt.md, "Transfer").

        Args:
            batch: with the map `PERSON`; donors are its own images.
            generator: two numbers are drawn per image.
        """
        if PERSON not in batch.maps:
            raise OptionError(f"patch transfer needs the map {PERSON!r} of where persons are")
        device = batch.images.device
        windows = cells_of(batch.maps[PERSON], self.grid)
        labels = batch.labels.cpu().numpy()
        wanted = generator.random(len(batch)) < self.share
        pairs = paired(windows.cpu().numpy(), labels, self.rule, generator)
        donor_rows = np.where(wanted, pairs.donors, NOBODY)
        other = labels[donor_rows]
        ignored = torch.from_numpy(np.where((donor_rows >= 0) & (other != labels), other, NOBODY)).to(device)
        donors, rolls = torch.from_numpy(donor_rows).to(device), torch.from_numpy(pairs.rolls).to(device)
        if self.mixing is Mixing.EMBEDDING:
            return replace(batch, mix=partial(mixed_patches, windows=windows, donors=donors), ignored=ignored)
        return replace(batch, images=mixed_images(batch.images, windows, donors, rolls), ignored=ignored)
