"""Which rows make up each batch of an epoch: plans drawn from (seed, epoch) and nothing else.

A plan is made whole, so its length is exact, a run can resume at any step, and every process of a
distributed run knows it without asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from glimpse.errors import OptionError
from glimpse.records import IntArray

_CAPTIONS = 1  # the stream of captions beside that of images, which has no such number


class Sampler(Protocol):
    """Anything that plans epochs."""

    def plan(self, epoch: int) -> Sequence[IntArray]:
        """The batches of an epoch (counted from 1), each the row numbers `[B]` of one global batch."""
        ...


@dataclass(frozen=True, eq=False)
class PersonSampler:
    """P persons x K images per batch, every image at most once per epoch (baselines.md, "PK sampler").

    Per epoch and person the images are shuffled and cut into chunks of K; a person with fewer images
    gives one chunk drawn with replacement, an incomplete last chunk is left out. Then P persons that
    have chunks left are picked at random, a chunk of each, until fewer than P have any. So an epoch is
    somewhat shorter than the images would allow, and its length differs a little between epochs.

    With `distinct` the chunk of a person with n < K images has all n of them before one comes again: each
    occurs K // n times or once more. A person with a single image gives it K times.

    Attributes:
        person: [N] who each row shows.
        persons: P.
        images: K.
        seed: of the draw.
        distinct: as many different images of a person as there are, K at most.

    >>> sampler = PersonSampler([3, 3, 3, 3, 8, 8], persons=2, images=2, seed=0)
    >>> [len(batch) for batch in sampler.plan(epoch=1)]
    [4]
    """

    person: ArrayLike
    persons: int
    images: int
    seed: int = 0
    distinct: bool = False
    _rows: tuple[IntArray, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", _rows_by_person(self.person))
        _check_batch(self.persons, self.images, len(self._rows))

    def plan(self, epoch: int) -> list[IntArray]:
        """The batches of the epoch: rows `[P * K]`, person by person."""
        random = _random(self.seed, epoch)
        chunks = [self._chunks(rows, random) for rows in self._rows]
        left = np.array([len(of_person) for of_person in chunks])
        batches = []
        while np.count_nonzero(left) >= self.persons:
            picked = random.choice(np.flatnonzero(left), self.persons, replace=False)
            left[picked] -= 1
            batches.append(np.concatenate([chunks[person][left[person]] for person in picked]))
        return batches

    def _chunks(self, rows: IntArray, random: np.random.Generator) -> IntArray:
        """One person's rows as [chunks, K]."""
        if len(rows) < self.images:
            return _with_repetition(rows, self.images, random, self.distinct)[None]
        whole = len(rows) // self.images
        return random.permutation(rows)[: whole * self.images].reshape(whole, self.images)


@dataclass(frozen=True, eq=False)
class BalancedSampler:
    """P persons x (K images of every modality) per batch, for visible-infrared training.

    Without `batches` the persons are taken in permuted order, P at a time, once each, and an incomplete
    last group is left out (read in SIM's code, baselines.md, "Balanced sampler"). With `batches` every batch
    draws its P persons anew, as AGW does (agw.md, "Batches"). Images are drawn without replacement
    unless a person has fewer than K of the modality; then, with `distinct`, as `PersonSampler` draws them.

    Attributes:
        person: [N] who each row shows.
        modality: [N] what took it; persons who lack one of the modalities are left out.
        persons: P.
        images: K, per modality.
        batches: batches per epoch, or None for one pass over the persons.
        seed: of the draw.
        distinct: as many different images of a person as there are, K of the modality at most.
    """

    person: ArrayLike
    modality: ArrayLike
    persons: int
    images: int
    batches: int | None = None
    seed: int = 0
    distinct: bool = False
    _rows: tuple[tuple[IntArray, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        modality = np.asarray(self.modality)
        names = np.unique(modality)
        by_person = (
            tuple(rows[modality[rows] == name] for name in names) for rows in _rows_by_person(self.person)
        )
        complete = tuple(groups for groups in by_person if all(map(len, groups)))
        object.__setattr__(self, "_rows", complete)
        _check_batch(self.persons, self.images, len(complete), " in every modality")
        if self.batches is not None and self.batches < 1:
            raise OptionError(f"an epoch needs at least 1 batch, got {self.batches}")

    def plan(self, epoch: int) -> list[IntArray]:
        """The batches of the epoch: rows `[P * M * K]`, person by person, modality by modality."""
        random = _random(self.seed, epoch)
        if self.batches is None:
            order = random.permutation(len(self._rows))
            whole = len(order) // self.persons
            groups = order[: whole * self.persons].reshape(whole, self.persons)
        else:
            groups = np.stack(
                [random.choice(len(self._rows), self.persons, replace=False) for _ in range(self.batches)]
            )
        return [
            np.concatenate([self._draw(rows, random) for person in group for rows in self._rows[person]])
            for group in groups
        ]

    def _draw(self, rows: IntArray, random: np.random.Generator) -> IntArray:
        if len(rows) < self.images:
            return _with_repetition(rows, self.images, random, self.distinct)
        drawn: IntArray = random.choice(rows, self.images, replace=False)
        return drawn


@dataclass(frozen=True)
class ShuffledSampler:
    """Every row once per epoch in random order; the last batch may be smaller, and is never empty.

    Attributes:
        rows: N, how many rows there are.
        batch: rows per batch.
        whole: leave out a last batch that is smaller; two processes cannot share one evenly.
        seed: of the order.

    >>> [len(batch) for batch in ShuffledSampler(rows=10, batch=4).plan(epoch=1)]
    [4, 4, 2]
    """

    rows: int
    batch: int
    whole: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 1 or self.rows < (self.batch if self.whole else 1):
            raise OptionError(f"{self.rows} rows cannot fill a batch of {self.batch}")

    def plan(self, epoch: int) -> list[IntArray]:
        """The batches of the epoch."""
        order = _random(self.seed, epoch).permutation(self.rows)
        end = self.rows - self.rows % self.batch if self.whole else self.rows
        return [order[start : start + self.batch] for start in range(0, end, self.batch)]


@dataclass(frozen=True, eq=False)
class CaptionSampler:
    """Each image that another sampler draws comes with one of its captions, every one equally likely.

    Captions are drawn from a stream of their own, so that the images are those of the other sampler.

    Attributes:
        sampler: plans images, by their numbers from 0.
        image: [N] which image each row shows, without gaps; a row is an image with one of its captions.
        seed: of the draw.

    >>> sampler = CaptionSampler(ShuffledSampler(rows=2, batch=2), [0, 0, 1], seed=0)
    >>> [sorted(np.array([0, 0, 1])[batch].tolist()) for batch in sampler.plan(epoch=1)]
    [[0, 1]]
    """

    sampler: Sampler
    image: ArrayLike
    seed: int = 0
    _order: IntArray = field(init=False, repr=False)
    _counts: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        image = np.asarray(self.image)
        object.__setattr__(self, "_order", np.argsort(image, kind="stable"))
        object.__setattr__(self, "_counts", np.bincount(image))

    def plan(self, epoch: int) -> list[IntArray]:
        """The batches of the epoch: a row for every image of the other sampler's batches."""
        random = np.random.default_rng([self.seed, epoch, _CAPTIONS])
        first = np.cumsum(self._counts) - self._counts
        return [
            self._order[first[images] + random.integers(0, self._counts[images])]
            for images in self.sampler.plan(epoch)
        ]


def share(batch: IntArray, rank: int, world: int) -> slice:
    """The part of a global batch that one of `world` processes works on: whole persons of a P x K batch.

    >>> share(np.arange(8), rank=1, world=2)
    slice(4, 8, None)
    """
    if len(batch) % world:
        raise OptionError(f"a batch of {len(batch)} rows cannot be shared evenly by {world} processes")
    part = len(batch) // world
    return slice(rank * part, (rank + 1) * part)


def _random(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


def _with_repetition(rows: IntArray, count: int, random: np.random.Generator, distinct: bool) -> IntArray:
    """`count` of fewer rows: drawn with replacement, or all of them again and again, each time shuffled."""
    if not distinct:
        drawn: IntArray = random.choice(rows, count, replace=True)
        return drawn
    rounds = -(-count // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(rounds)])[:count]


def _rows_by_person(person: ArrayLike) -> tuple[IntArray, ...]:
    """The row numbers of each person, persons in ascending order."""
    persons = np.asarray(person)
    if persons.ndim != 1 or not np.issubdtype(persons.dtype, np.integer):
        raise OptionError(f"persons must be whole numbers [N], got {persons.dtype} {list(persons.shape)}")
    if len(persons) and persons.min() < 0:
        raise OptionError(f"row {persons.argmin()} shows nobody in particular and cannot be trained on")
    order = np.argsort(persons, kind="stable")
    _, starts = np.unique(persons[order], return_index=True)
    return tuple(np.split(order, starts[1:])) if len(persons) else ()


def _check_batch(persons: int, images: int, found: int, where: str = "") -> None:
    if persons < 1 or images < 1:
        raise OptionError(f"a batch needs at least 1 person and 1 image each, got {persons} x {images}")
    if found < persons:
        raise OptionError(
            f"a batch needs {persons} persons, the training rows have {found}{where}: "
            "choose fewer persons per batch"
        )
