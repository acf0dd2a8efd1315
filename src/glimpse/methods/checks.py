"""What is refused before anything is decoded: rows, weights and validations that training cannot use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.choices import Reads
from glimpse.methods.prepare import prepared_from_seed
from glimpse.methods.rows import check_sampler, learned_rows, smaller_batches, usable_rows
from glimpse.methods.validation import check_answers, images_of, protocol_of, split_persons
from glimpse.models.pretrained import AUTO, NONE
from glimpse.protocols import Protocol
from glimpse.recipes.groups import SamplerRecipe
from glimpse.recipes.registry import row_of
from glimpse.records import IntArray, Records
from glimpse.segmentation.base import PERSON
from glimpse.segmentation.part_labels import BACKGROUND
from glimpse.segmentation.parts import PART
from glimpse.training.batches import TrainingData

_REHEARSED = 256  # rows


def divided(
    method: str, recipe: Any, rows: Records, validation: Records | Protocol | None
) -> tuple[Records, Records | Protocol | None]:
    """What the method trains on, and what chooses the best epoch: what is given, or a share of the persons.

    A person's images and captions, in every modality, are in one part together.

    Raises:
        OptionError: if the method cannot learn from the rows.
    """
    usable = usable_rows(method, rows)
    held: Records | Protocol | None = validation
    if isinstance(validation, Records):
        held = validation if row_of(method).reads is Reads.CAPTIONS else images_of(validation)
    if held is None or (isinstance(held, Records) and not len(held)):
        usable, aside = split_persons(usable, recipe.validation.share, recipe.seed)
        held = aside if len(aside) else None
    return learned_rows(method, usable), held


def checked_protocol(
    recipe: Any, held: Records | Protocol, like: Protocol | None, *, texts: bool
) -> Protocol:
    """The protocol of the validation; one without a query that can be answered is refused."""
    protocol = protocol_of(held, recipe.seed, like, texts=texts)
    advice = ": set more persons aside (validation.share), or none (validation.share=0)"
    if isinstance(held, Records) and len(np.unique(held.path.astype(str))) == len(held.persons):
        advice = ", as each person has a single image: set none aside (validation.share=0)"
    check_answers(protocol, advice)
    return protocol


def checked(
    method: str,
    recipe: Any,
    rows: Records,
    validation: Records | Protocol | None,
    like: Protocol | None,
) -> tuple[Records, Records | Protocol | None, Protocol | None]:
    """`divided`, and the protocol of the validation; nothing is decoded for it.

    Raises:
        OptionError: if the method cannot learn from the rows, start from the weights that a user gives, or be
            validated by the rows.
    """
    learned, held = divided(method, recipe, rows, validation)
    recipe = smaller_batches(recipe, learned)
    check_sampler(recipe, learned)
    if getattr(recipe, "weights", AUTO) not in (AUTO, NONE):
        rehearse(method, recipe, learned)
    texts = row_of(method).reads is Reads.CAPTIONS
    return learned, held, None if held is None else checked_protocol(recipe, held, like, texts=texts)


def rehearse(method: str, recipe: Any, rows: Records) -> None:
    """Prepare the method on a few blank images: weights that do not fit are refused before any is decoded.

    To decode all images, and to cut the persons out, may take hours.
    """
    few, size = rows[:_REHEARSED], recipe.augment.size
    if isinstance(getattr(recipe, "sampler", None), SamplerRecipe):
        recipe = replace(recipe, sampler=SamplerRecipe(1, 1))
    maps = {name: np.ones((len(few), *size), np.uint8) for name in (PERSON, PART)}
    # what the parts are called, and how many there are, changes no backbone
    data = TrainingData(few, _Blank(size), maps, part_names=(BACKGROUND, PERSON))
    prepared_from_seed(method, recipe, data)


class _Blank:
    """Pixels that are all black."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """See `PixelSource`."""
        return np.zeros((len(rows), *self.size, 3), np.uint8)
