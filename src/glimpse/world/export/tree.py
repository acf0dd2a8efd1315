"""The plan of a tree of files: its images, their names, and its lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from glimpse.records import IR, RGB
from glimpse.world.frame import Band, Kind

LAYOUT_STREAM = 201  # keeps the random stream of a layout's choices apart from the world's own streams

Captions = Mapping[str, list[str]]
"""By the path of an image: the sentences written about it."""
Files = Mapping[str, bytes]
Counts = Mapping[str, tuple[int, int]]
"""By part, as `glimpse.datasets.part_counts` names the parts: persons and rows."""


@dataclass(frozen=True)
class Options:
    """All that decides a rendered tree: the same options give the same bytes.

    Attributes:
        layout: name of the layout, as `glimpse.datasets` knows it.
        seed: of the world.
        people: of all splits together; distractors come on top where the layout has them.
        images_per_person: of each of them.
        hardness: 0 to 1, how alike people are and how much light and occlusion vary.
        height: of an image.
        width: of an image.
    """

    layout: str
    seed: int
    people: int
    images_per_person: int
    hardness: float
    height: int
    width: int


@dataclass(frozen=True)
class Image:
    """One image and the names under which it stands in the tree.

    Attributes:
        paths: relative to the tree; the same bytes under each.
        person: index of the person in the world.
        camera: index of the camera in the world.
        number: tells apart the images of one person.
        label: the person's number in `Records`, `JUNK` or `DISTRACTOR`.
        printed_camera: the camera's number in `Records`, or `NO_CAMERA`.
        kind: whole, occluded or partial.
        band: rgb, near_infrared or thermal.
        split: train, val or test.
        captions: how many sentences are written about it.
        words: how many words each of them has at least.
    """

    paths: tuple[str, ...]
    person: int
    camera: int
    number: int
    label: int
    printed_camera: int
    kind: Kind = "whole"
    band: Band = "rgb"
    split: str = "test"
    captions: int = 0
    words: int = 0

    @property
    def modality(self) -> str:
        """As `Records` says it."""
        return RGB if self.band == "rgb" else IR


def no_lists(captions: Captions) -> Files:
    """For layouts whose file names say everything."""
    return {}


@dataclass(frozen=True)
class Tree:
    """A tree as its layout plans it.

    Attributes:
        people: how many people the world must have, distractors included.
        cameras: how many cameras.
        images: in the order in which they are rendered.
        counts: what the layout's reader will find.
        lists: makes the further files, from the captions once these are written.
    """

    people: int
    cameras: int
    images: tuple[Image, ...]
    counts: Counts
    lists: Callable[[Captions], Files] = no_lists


@dataclass(frozen=True)
class Writer:
    """What is known about writing one layout.

    Attributes:
        layout: its name.
        plan: plans the tree.
        scales: by the names of `SCALES`, people and images per person.
        fewest_images: per person, that the layout needs.
        most_images: per person, that it has room for.
        most_people: that its names have digits for.
        images_step: images per person must be a multiple of this.
        shape: the default height and width of an image.
    """

    layout: str
    plan: Callable[[Options], Tree]
    scales: Mapping[str, tuple[int, int]]
    fewest_images: int
    most_images: int = 1_000
    most_people: int = 9_000
    fewest_people: int = 6
    images_step: int = 1
    shape: tuple[int, int] = (128, 64)


SCALES = ("tiny", "small", "bench", "large")


def layout_rng(options: Options) -> np.random.Generator:
    """The generator of a layout's choices."""
    return np.random.default_rng(np.random.SeedSequence([options.seed, LAYOUT_STREAM]))


def sightings(rng: np.random.Generator, images: int, cameras: int) -> list[int]:
    """The camera of each of a person's images: every camera that sees somebody sees them twice or more.

    >>> sorted(sightings(np.random.default_rng(0), 4, 6)) == sorted(2 * sorted(
    ...     set(sightings(np.random.default_rng(0), 4, 6))))
    True
    """
    chosen = rng.permutation(cameras)[: max(1, min(cameras, images // 2))]
    return [int(chosen[i % len(chosen)]) for i in range(images)]


def counted(images: Iterable[Image], folder: str = "") -> tuple[int, int]:
    """Persons and rows of the images under a folder; neither junk nor distractors are persons."""
    rows = [p for p in images for path in p.paths if path.startswith(folder)]
    return len({p.label for p in rows if p.label >= 0}), len(rows)
