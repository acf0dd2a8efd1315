"""Ground truth beside the images: part maps, one table of records, and who the people are."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.files import atomic_write
from glimpse.records import TEXT, Records
from glimpse.world.captions import write_captions
from glimpse.world.export.tree import Captions, Image, Options
from glimpse.world.facts import frame_facts
from glimpse.world.frame import Frames
from glimpse.world.grammar import Grammar
from glimpse.world.person import Person

CAPTION_STREAM = 202  # keeps the captions' random stream apart from all others

PALETTE: tuple[tuple[int, int, int], ...] = (
    (32, 32, 36),
    (128, 128, 132),
    (240, 196, 160),
    (214, 72, 72),
    (240, 150, 60),
    (70, 120, 210),
    (90, 190, 120),
    (170, 90, 200),
)
"""Colors of the part map's values from background to carried, for whoever opens one: our choice."""


@dataclass(frozen=True)
class Truth:
    """What is known of a batch of images, a row for each.

    Attributes:
        visible: float32 [N, 6], the visible fraction of each of `PARTS`.
        visible_whole: float32 [N].
        keypoints: float32 [N, 14, 3].
        heading: float32 [N].
        captions: [N] lists of sentences.
    """

    visible: NDArray[np.float32]
    visible_whole: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    heading: NDArray[np.float32]
    captions: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls,
        frames: Frames,
        images: Sequence[Image],
        people: Sequence[Person],
        options: Options,
        grammar: Grammar,
    ) -> Truth:
        """The truth of a rendered batch, with the captions that its images need."""
        captions = tuple(
            _captions(frames, row, image, people[image.person], options, grammar)
            for row, image in enumerate(images)
        )
        return cls(frames.visible, frames.visible_whole, frames.keypoints, frames.heading, captions)

    @classmethod
    def concat(cls, batches: Sequence[Truth]) -> Truth:
        """The batches under each other."""
        return cls(
            np.concatenate([batch.visible for batch in batches]),
            np.concatenate([batch.visible_whole for batch in batches]),
            np.concatenate([batch.keypoints for batch in batches]),
            np.concatenate([batch.heading for batch in batches]),
            tuple(captions for batch in batches for captions in batch.captions),
        )

    def save(self, path: Path) -> None:
        """Keep a batch until the whole table is written."""
        with atomic_write(path) as file:
            np.savez(
                file,
                visible=self.visible,
                visible_whole=self.visible_whole,
                keypoints=self.keypoints,
                heading=self.heading,
                captions=np.array(json.dumps(self.captions)),
            )

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read back what `save` kept."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                captions = tuple(tuple(texts) for texts in json.loads(str(kept["captions"])))
                arrays = {name: kept[name] for name in ("visible", "visible_whole", "keypoints", "heading")}
                if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                    raise ValueError("numpy gives what is no array as bytes")
                return cls(**arrays, captions=captions)
        except Exception as wrong:  # zipfile and numpy raise whatever their parsing stumbles over
            raise StorageError(f"{path} is damaged; remove the folder and start anew") from wrong


def _captions(
    frames: Frames, row: int, image: Image, person: Person, options: Options, grammar: Grammar
) -> tuple[str, ...]:
    if not image.captions:
        return ()
    seed = np.random.SeedSequence([options.seed, CAPTION_STREAM, image.person, image.number])
    facts = frame_facts(frames, row, person)
    rng = np.random.default_rng(seed)
    return tuple(write_captions(facts, rng, image.captions, at_least=image.words, grammar=grammar))


def captions_by_path(images: Sequence[Image], truth: Truth) -> Captions:
    """The sentences about each image, under its first name."""
    return {p.paths[0]: list(texts) for p, texts in zip(images, truth.captions, strict=True)}


def part_map_path(path: str) -> str:
    """Where the part map of an image is."""
    return f"parts/{PurePosixPath(path).with_suffix('.png')}"


def part_map_file(parts: NDArray[np.uint8]) -> bytes:
    """A PNG with a palette, whose pixel values are the parts, [H, W]."""
    from PIL import Image

    image = Image.fromarray(parts, mode="P")
    image.putpalette([value for color in PALETTE for value in color])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def truth_records(images: Sequence[Image], people: Sequence[Person], truth: Truth) -> Records:
    """A row for each file of the tree and each caption; paths are relative to the tree."""
    rows: list[tuple[int, str, str]] = []  # the image's row, path, caption
    for row, image in enumerate(images):
        rows += [(row, path, "") for path in image.paths]
    rows += [(row, images[row].paths[0], text) for row, texts in enumerate(truth.captions) for text in texts]
    chosen = [images[row] for row, _, _ in rows]
    at = np.array([row for row, _, _ in rows], np.int64)
    return Records.from_columns(
        [path for _, path, _ in rows],
        [p.label for p in chosen],
        camera=[p.printed_camera for p in chosen],
        modality=[TEXT if text else p.modality for (_, _, text), p in zip(rows, chosen, strict=True)],
        caption=[text for _, _, text in rows],
        kind=[p.kind for p in chosen],
        extra={
            "split": [p.split for p in chosen],
            "band": [p.band for p in chosen],
            "world_person": [p.person for p in chosen],
            "world_camera": [p.camera for p in chosen],
            "family": [people[p.person].family for p in chosen],
            "heading": truth.heading[at],
            "visible": truth.visible_whole[at],
            "parts_visible": truth.visible[at],
            "keypoints": truth.keypoints[at],
        },
    )


def people_file(people: Sequence[Person]) -> bytes:
    """Everybody's attributes, a line each, in the order of the records' column `world_person`."""
    lines = [json.dumps(asdict(person), separators=(",", ":")) for person in people]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()
