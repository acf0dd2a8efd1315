"""What is trained on, and the batches that are made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.errors import RecordsError, ShapeError
from glimpse.models.taken import Taken
from glimpse.records import IMAGE_MODALITIES, MODALITIES, NO_CAMERA, NO_MODALITY, TEXT, IntArray, Records
from glimpse.training.augment import Augmentation, Draws, MapRule

T = TypeVar("T")

IMAGE_MODALITY = "image_modality"
"""The extra column of a caption's row that says what took its image."""


class PixelSource(Protocol):
    """Where pixels come from: a `PixelCache`, or anything that makes them by row number."""

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """The pixels of some rows: uint8 `[n, H, W, 3]`."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingData:
    """N rows to train on, with everything that belongs to a row.

    A row is an image. For a method that reads, it is an image with one of its captions: a row of modality
    `text`, whose path is the image's, and whose extra column `IMAGE_MODALITY` says what took the image
    (`glimpse.methods.rows`).

    Attributes:
        records: the rows; each shows a person.
        pixels: their pixels, or None for a stage that needs none.
        maps: masks and part maps by name, uint8 `[N, H, W]` of the pixels' size, 0 for background.
        columns: further values by name, `[N, ...]`: token numbers of captions, cached vectors.
        rules: by map, what mirroring and erasing make of its labels, where that is more than moving them.
        part_names: the names of the labels of part maps, background first; empty if there are none.
    """

    records: Records
    pixels: PixelSource | None = None
    maps: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    rules: Mapping[str, MapRule] = field(default_factory=dict)
    part_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        nobody = np.flatnonzero(self.records.person < 0)
        if len(nobody):
            raise RecordsError(f"row {nobody[0]} shows nobody in particular and cannot be trained on")
        lengths = {name: len(values) for name, values in self.maps.items()}
        lengths |= {name: len(values) for name, values in self.columns.items()}
        for name, rows in lengths.items():
            if rows != len(self.records):
                raise ShapeError(f"{name} has {rows} rows, expected {len(self.records)}")

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def labels(self) -> IntArray:
        """[N]; persons as numbers from 0, in the order of `persons`."""
        return self.records.labels()[0]

    @property
    def persons(self) -> IntArray:
        """[C], sorted; what label c stands for. Saved with whatever is learned per person."""
        return self.records.persons

    @cached_property
    def cameras(self) -> IntArray:
        """[N]; known cameras as numbers from 0, in sorted order; `NO_CAMERA` stays."""
        known = self.records.cameras
        camera = self.records.camera
        places: IntArray = np.searchsorted(known, camera)
        return np.where(camera == NO_CAMERA, NO_CAMERA, places)

    @cached_property
    def modalities(self) -> IntArray:
        """[N]; places in `MODALITIES`, -1 where it is not known; of a row with a caption, its image's."""
        place = {name: number for number, name in enumerate(MODALITIES)} | {NO_MODALITY: -1}
        names = self.records.extra.get(IMAGE_MODALITY, self.records.modality)
        return np.array([place[name] for name in names.tolist()], np.int64)

    @cached_property
    def captioned(self) -> bool:
        """Whether rows are images with captions, so that one image may have several rows."""
        return bool(np.any(self.records.modality == TEXT))

    @cached_property
    def images(self) -> IntArray:
        """[N]; which image each row shows, as numbers from 0 in the order of their first rows."""
        if not self.captioned:  # `Records` has each image once
            return np.arange(len(self))
        first, image = np.unique(self.records.path.astype(str), return_index=True, return_inverse=True)[1:]
        return np.argsort(np.argsort(first))[image]

    @cached_property
    def first_rows(self) -> IntArray:
        """[I]; for each image of `images` its first row."""
        rows: IntArray = np.unique(self.images, return_index=True)[1]
        return rows


@dataclass(frozen=True, eq=False)
class Batch:
    """B rows on the device, as a method sees them.

    Attributes:
        rows: int64 [B]; row numbers of the training data.
        labels: int64 [B]; persons, from 0.
        cameras: int64 [B]; cameras from 0, or -1.
        modalities: int64 [B]; places in `MODALITIES` of what took the image, or -1.
        images: float32 [B, 3, H, W], augmented and normalized; [B, 3, 0, 0] if the data has no pixels.
        maps: by name, uint8 [B, H, W], augmented with the images.
        columns: by name, [B, ...].
        captions: [B]; the caption of each row as it was written; empty if the rows have none.
        mix: changes patch embeddings [B, N, D] before class token and position come to them, or None.
        ignored: int64 [B]; a person that is no wrong answer for the row, as its occluder is from there, or
            -1; None if there is none in the whole batch.
        sources: int64 [B]; for a synthetic copy the row of the batch that it was made of, else -1; None if
            there are no copies. Copies come last.
        visible: float32 [B, rows]; how much of its person each row of cells still shows; None without copies.
        seen: float32 [B, rows, columns]; 1 for cells that show the row's person, 0 for others, -1 for all if
            nobody knows; None without copies.
    """

    rows: Tensor
    labels: Tensor
    cameras: Tensor
    modalities: Tensor
    images: Tensor
    maps: Mapping[str, Tensor] = field(default_factory=dict)
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    captions: Sequence[str] = ()
    mix: Callable[[Tensor], Tensor] | None = None
    ignored: Tensor | None = None
    sources: Tensor | None = None
    visible: Tensor | None = None
    seen: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def taken(self) -> Taken:
        """What the images were taken with, as networks are told it; captions with nothing known."""
        # a network tells all modalities of images apart or none, and they come first among all
        of_images = self.modalities < len(IMAGE_MODALITIES)
        return Taken(self.cameras, torch.where(of_images, self.modalities, -1))


@dataclass(frozen=True, eq=False)
class RawBatch:
    """What is read for a batch before the device is involved: pixels uint8 [B, H, W, 3], and maps."""

    rows: IntArray
    pixels: Tensor | None
    maps: Mapping[str, Tensor]


def read_raw(data: TrainingData, rows: IntArray, *, pinned: bool = False) -> RawBatch:
    """Read pixels and maps of some rows; pinned memory reaches a GPU without waiting."""

    def tensor(values: NDArray[np.uint8]) -> Tensor:
        held = torch.from_numpy(np.ascontiguousarray(values))
        return held.pin_memory() if pinned else held

    return RawBatch(
        rows=rows,
        pixels=None if data.pixels is None else tensor(data.pixels.read(rows)),
        maps={name: tensor(values[rows]) for name, values in data.maps.items()},
    )


def make_batch(
    data: TrainingData,
    raw: RawBatch,
    augmentation: Augmentation,
    draw: Callable[[tuple[int, int]], Draws],
    device: torch.device,
) -> Batch:
    """Bring a batch to the device and augment it there.

    Args:
        data: where the rows are from.
        raw: what was read.
        augmentation: what is done to the images.
        draw: gives the draws for images of a size (height, width).
        device: where the method is.
    """
    rows = torch.from_numpy(raw.rows)

    def column(values: IntArray) -> Tensor:
        return torch.from_numpy(values[raw.rows]).to(device, non_blocking=True)

    images = torch.empty(len(rows), 3, 0, 0, device=device)
    maps: dict[str, Tensor] = {}
    if raw.pixels is not None:
        pixels = raw.pixels.to(device, non_blocking=True)
        moved = {name: values.to(device, non_blocking=True) for name, values in raw.maps.items()}
        height, width = pixels.shape[1:3]
        images, maps = augmentation.apply(pixels, draw((height, width)), moved, data.rules)
    return Batch(
        rows=rows.to(device),
        labels=column(data.labels),
        cameras=column(data.cameras),
        modalities=column(data.modalities),
        images=images,
        maps=maps,
        columns={
            name: values[rows.to(values.device)].to(device, non_blocking=True)
            for name, values in data.columns.items()
        },
        captions=tuple(data.records.caption[raw.rows].tolist()) if data.captioned else (),
    )


def prefetch(make: Callable[[IntArray], T], plan: Sequence[IntArray]) -> Iterator[T]:
    """`make` for each batch of the plan, the next one in a thread while this one is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming: Future[T] | None = None
        for rows in plan:
            following = thread.submit(make, rows)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()
