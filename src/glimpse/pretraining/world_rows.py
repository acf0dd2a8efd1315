"""A large world as training rows whose images are rendered when they are read, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.ranges import Range
from glimpse.records import IntArray, Records
from glimpse.world.captions import write_captions
from glimpse.world.facts import frame_facts
from glimpse.world.frame import Frames, Kind, Shot
from glimpse.world.world import World

PRETRAINING_SEED = 977_000_001
"""Of the world that is pre-trained on. Worlds of different seeds share nobody and no camera, and no world
that evidence is measured on has this seed."""
_IMAGES = Range(1, 10_000_000)  # our choice: 600 GB as prepared for micro networks
_KIND_STREAM, _CAPTION_STREAM = 101, 102


@dataclass(frozen=True)
class Site:
    """What is rendered.

    Attributes:
        people: who is trained on.
        held_out: further people, to validate with.
        cameras: that see everybody.
        takes: images of each person by each camera.
        occluded: share of images with something in front of the person.
        partial: share of images that are cropped.
        hardness: of the world.
        seed: of the world.
    """

    people: int = 2000
    held_out: int = 64
    cameras: int = 8
    takes: int = 3
    occluded: float = 0.2
    partial: float = 0.1
    hardness: float = 0.5
    seed: int = PRETRAINING_SEED

    def __post_init__(self) -> None:
        if min(self.people, self.held_out, self.cameras - 1, self.takes) < 1:
            raise OptionError("pre-training needs people, held-out people, takes, and two cameras at least")
        count = self.people * self.cameras * self.takes
        if count not in _IMAGES:
            raise OptionError(
                f"the images of pre-training must be {_IMAGES}, got {count:,}: "
                f"{self.people:,} people x {self.cameras} cameras x {self.takes} takes"
            )
        if min(self.occluded, self.partial) < 0 or self.occluded + self.partial > 1:
            raise OptionError(f"shares of images lie in 0..1, got {self.occluded} and {self.partial}")

    def world(self) -> World:
        """The world, held-out people last."""
        return World(self.seed, self.people + self.held_out, self.cameras, self.hardness)


@dataclass(frozen=True, eq=False)
class WorldRows:
    """The images of some people of a world, as `PixelSource`; row by row the same in every run.

    Attributes:
        world: whose people and cameras.
        site: how many takes of which kinds.
        first: the first person.
        count: how many people.
        size: height and width of the images.
        captions: filled with what is seen as rows are read; None for none.
        threads: that render; as many as numba uses unless said.
    """

    world: World
    site: Site
    first: int
    count: int
    size: tuple[int, int]
    captions: CaptionColumns | None = None
    threads: int | None = None

    def __len__(self) -> int:
        return self.count * self.site.cameras * self.site.takes

    def records(self) -> Records:
        """A row per image; the paths are names only."""
        person, camera, take = self._places(np.arange(len(self)))
        names = [f"{p:06d}_c{c}_{t}" for p, c, t in zip(person, camera, take, strict=True)]
        return Records.from_columns(names, person, camera=camera)

    def read(self, rows: IntArray) -> NDArray[np.uint8]:
        """Render some rows, uint8 `[n, H, W, 3]`, and note their captions where there is a place."""
        frames = self.render(rows)
        if self.captions is not None:
            self.captions.write(rows, self.sentences(rows, frames))
        return frames.images

    def render(self, rows: IntArray) -> Frames:
        """The images of some rows, with their truth."""
        return self.world.render([self._shot(int(row)) for row in rows], self.size, threads=self.threads)

    def sentences(self, rows: IntArray, frames: Frames) -> list[str]:
        """A caption for each rendered row."""
        captions = []
        for place, row in enumerate(rows.tolist()):
            random = self._random(_CAPTION_STREAM, row)
            facts = frame_facts(frames, place, self.world.people[frames.shots[place].person])
            captions += write_captions(facts, random, 1)
        return captions

    def _places(self, rows: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Person, camera and take of rows; neighbors are of one person."""
        shots = self.site.cameras * self.site.takes
        return self.first + rows // shots, rows % shots // self.site.takes, rows % self.site.takes

    def _shot(self, row: int) -> Shot:
        person, camera, take = (int(number) for number in self._places(np.asarray(row)))
        drawn = self._random(_KIND_STREAM, row).random()
        kind: Kind = "whole"
        if drawn < self.site.occluded + self.site.partial:
            kind = "occluded" if drawn < self.site.occluded else "partial"
        return self.world.shot(person, camera, take, kind)

    def _random(self, stream: int, row: int) -> np.random.Generator:
        return np.random.default_rng([self.site.seed, stream, self.first, row])


class CaptionColumns:
    """The tokens of the captions of N rows, which come to be known when a row's image is rendered.

    Attributes:
        ids: int64 `[N, L]`.
        ends: int64 `[N]`.
    """

    def __init__(self, rows: int, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids = torch.zeros(rows, tokenizer.context, dtype=torch.long)
        self.ends = torch.zeros(rows, dtype=torch.long)

    def write(self, rows: IntArray, captions: list[str]) -> None:
        """Keep the tokens of the captions of some rows."""
        tokens = self.tokenizer.encode(captions)
        places: Any = torch.from_numpy(rows)
        self.ids[places] = torch.from_numpy(tokens.ids)
        self.ends[places] = torch.from_numpy(tokens.ends)
