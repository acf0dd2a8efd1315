"""Which of a data set's rows a method learns from; decided, or refused, before any image is decoded.

A method's row in the registry says what it reads (`glimpse.choices.Reads`). Methods of images get each image
once: captions are no further images. Methods that read get a row for every pair of an image and one of its
captions, and a sampler that draws images and gives each one of its captions
(`glimpse.training.build.build_sampler`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.choices import Reads
from glimpse.errors import OptionError
from glimpse.methods.validation import texts_of
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.protocols import Protocol
from glimpse.recipes.clip import ClipRecipe
from glimpse.recipes.groups import SamplerRecipe
from glimpse.recipes.registry import row_of
from glimpse.records import NO_MODALITY, TEXT, IntArray, Records
from glimpse.training.augment import MapRule
from glimpse.training.batches import IMAGE_MODALITY, PixelSource, TrainingData
from glimpse.training.build import build_sampler

R = TypeVar("R")
IDS, ENDS = "caption_ids", "caption_ends"
"""The columns of the training data that hold the captions' tokens."""
_FROM_THE_IMAGE = ("camera", "time", "kind")  # of a caption's row; a caption itself has none of them


class RowsWarning(UserWarning):
    """Rows of a data set that a method does not learn from although it learns from their kind."""


def usable_rows(method: str, rows: Records) -> Records:
    """The rows that a method can use: all for one that reads, the images for any other.

    Raises:
        OptionError: if there are rows, but no captions for a method that reads, or no images for another.
    """
    row = row_of(method)
    is_text = rows.modality == TEXT
    if row.reads is Reads.CAPTIONS:
        if len(rows) and not is_text.any():
            raise OptionError(
                f"{row.name} learns from images with captions, and none of the {len(rows):,} training rows "
                "is a caption"
            )
        return rows
    if len(rows) and is_text.all():
        raise OptionError(
            f"{row.name} learns from images, and all of the {len(rows):,} training rows are captions"
        )
    return rows[~is_text] if is_text.any() else rows


def can_answer(method: str, protocol: Protocol) -> bool:
    """Whether a method's retriever can embed all rows of a protocol; captions need one that reads."""
    return not texts_of(protocol) or row_of(method).reads is Reads.CAPTIONS


def trained_images(rows: Records, protocol: Protocol) -> int:
    """How many images of a protocol's query and gallery are trained on: of a test there are none.

    >>> from glimpse.protocols import one_against_rest
    >>> rows = Records.from_columns(["a", "b", "c"], [1, 1, 2])
    >>> trained_images(rows[:2], one_against_rest(rows)), trained_images(rows[:2], one_against_rest(rows[2:]))
    (2, 0)
    """
    return len(_files(rows) & (_files(protocol.query) | _files(protocol.gallery)))


def _files(rows: Records) -> set[str]:
    return {os.path.abspath(path) for path in rows.path.tolist()}  # noqa: PTH100 (no look at the disk)


def learned_rows(method: str, rows: Records) -> Records:
    """The rows of a method's training data: of its usable rows the images, or their pairs with captions."""
    return caption_pairs(rows) if row_of(method).reads is Reads.CAPTIONS else rows


def smaller_batches(recipe: R, rows: Records) -> R:
    """The recipe with batches of as many persons as there are, if it asks for more; of two at least.

    CLIP's batches are of images.
    """
    there: Any = recipe
    smaller: R
    data = TrainingData(rows)
    if isinstance(recipe, ClipRecipe):
        images = len(data.first_rows)
        smaller = replace(there, batch=images) if 2 <= images < recipe.batch else recipe
        return smaller
    sampler = getattr(recipe, "sampler", None)
    if not isinstance(sampler, SamplerRecipe):
        return recipe
    persons = set(data.labels.tolist())
    if sampler.balanced:
        for modality in np.unique(data.modalities):
            persons &= set(data.labels[data.modalities == modality].tolist())
    if not 2 <= len(persons) < sampler.persons:
        return recipe
    smaller = replace(there, sampler=replace(sampler, persons=len(persons)))
    return smaller


def batch_of(recipe: Any) -> tuple[int, str]:
    """How many of what a batch of the recipe holds.

    >>> batch_of(ClipRecipe(batch=6))
    (6, 'images')
    """
    if isinstance(recipe, ClipRecipe):
        return recipe.batch, "images"
    return recipe.sampler.persons, "persons"


def check_sampler(recipe: Any, rows: Records) -> None:
    """Refuse rows that the recipe's sampler cannot make a batch of: too few persons, or a single modality."""
    sampler = getattr(recipe, "sampler", None)
    if isinstance(sampler, SamplerRecipe):
        build_sampler(sampler, TrainingData(rows), recipe.seed)


def caption_pairs(rows: Records) -> Records:
    """A row for every caption, with what is known of its image; images without a caption are left out.

    The row's modality stays `text`, so that an image may have several; `IMAGE_MODALITY` is its image's, or
    unknown where the image has no row of its own.
    """
    captions, images = rows[rows.modality == TEXT], rows[rows.modality != TEXT]
    place = {path: number for number, path in enumerate(images.path.tolist())}
    image = np.array([place.get(path, -1) for path in captions.path.tolist()], np.int64)
    left_out = len(images) - len(np.unique(image[image >= 0]))
    if left_out:
        warnings.warn(
            f"{left_out:,} of {len(images):,} images have no caption and are not learned from",
            RowsWarning,
            stacklevel=2,
        )

    def of_image(own: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
        taken = own.copy()
        taken[image >= 0] = values[image[image >= 0]]
        return taken

    columns = {
        name: of_image(captions.column(name), images.column(name))
        for name in (*_FROM_THE_IMAGE, *captions.extra)
    }
    modality = of_image(np.full(len(captions), NO_MODALITY, images.modality.dtype), images.modality)
    return captions.with_columns(**columns, **{IMAGE_MODALITY: modality})


def caption_columns(rows: Records, tokenizer: Tokenizer) -> dict[str, Tensor]:
    """The tokens of the rows' captions: `IDS` int64 `[N, L]` and `ENDS` int64 `[N]`."""
    tokens = tokenizer.encode(rows.caption.tolist())
    return {IDS: torch.from_numpy(tokens.ids), ENDS: torch.from_numpy(tokens.ends)}


def in_words(rows: Records, learned: Records) -> str:
    """What is learned from which rows, as a run tells it; empty if there are no captions.

    >>> captions = {"modality": ["rgb", "text", "text"], "caption": ["", "x", "y"]}
    >>> rows = Records.from_columns(["a", "a", "a"], 1, **captions)
    >>> in_words(rows, rows[:1]), in_words(rows, rows[1:])
    ('1 images; 2 captions are not read', '1 images with 2 captions')
    """
    captions = int(np.count_nonzero(rows.modality == TEXT))
    if not captions:
        return ""
    images = len(np.unique(learned.path.astype(str)))
    read = int(np.count_nonzero(learned.modality == TEXT))
    return (
        f"{images:,} images with {read:,} captions"
        if read
        else f"{images:,} images; {captions:,} captions are not read"
    )


def each_image(rows: Records) -> Records:
    """The images of the rows of training data, each once: the rows themselves, if they are no captions."""
    first = rows[TrainingData(rows).first_rows]
    if IMAGE_MODALITY not in rows.extra:
        return first
    images = first.with_columns(modality=first.extra[IMAGE_MODALITY], caption="")
    return images.without_columns(IMAGE_MODALITY)


def training_data(
    rows: Records,
    pixels: PixelSource,
    maps: Mapping[str, NDArray[np.uint8]],
    rules: Mapping[str, MapRule] = MappingProxyType({}),
    part_names: tuple[str, ...] = (),
) -> TrainingData:
    """The rows with their pixels, and with the maps of `each_image` of them and how they are augmented."""
    bare = TrainingData(rows)
    if bare.captioned:
        maps = {name: values[bare.images] for name, values in maps.items()}
    return TrainingData(rows, pixels, maps, rules=rules, part_names=part_names)


class PixelsOfRows:
    """The pixels of some rows, as rows 0 to n - 1.

    Args:
        pixels: of all rows.
        rows: `[n]`.
    """

    def __init__(self, pixels: PixelSource, rows: IntArray) -> None:
        self.pixels = pixels
        self.rows = rows

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """See `PixelSource`."""
        return self.pixels.read(self.rows[rows])
