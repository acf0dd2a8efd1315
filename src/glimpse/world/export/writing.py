"""Rendering a planned tree into a folder, batch by batch, so that a killed run goes on where it was."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from glimpse.datasets.counts import WORLD_CARD
from glimpse.files import atomic_write
from glimpse.progress import Progress, silent
from glimpse.world.dyes import NEAR_INFRARED
from glimpse.world.export.options import WRITERS
from glimpse.world.export.site import TRUTH, opened, settle_on_disk, write_whole
from glimpse.world.export.tree import Image, Options, Tree
from glimpse.world.export.truth import (
    Truth,
    captions_by_path,
    part_map_file,
    part_map_path,
    people_file,
    truth_records,
)
from glimpse.world.frame import Frames
from glimpse.world.grammar import load_grammar
from glimpse.world.world import World

_BATCH = 128  # images: what a kill may cost, and what is rendered while the batch before is encoded
_ENCODERS = 4  # threads; encoding waits for the disk more than for a core
_FORMATS = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".bmp": "BMP"}


def export_tree(root: Path, options: Options, progress: Progress = silent) -> Tree:
    """Render the tree that `options` describe into the folder `root`.

    The folder must be new, empty, or left by a killed run with the same options, which is continued:
    the files are then the same, byte for byte, as if it had not been killed.
    """
    tree = WRITERS[options.layout].plan(options)
    with opened(root, options) as work:
        world = World(options.seed, people=tree.people, cameras=tree.cameras, hardness=options.hardness)
        _render(tree, world, root, work, options, progress)
        kept = [Truth.load(_kept(work, start)) for start in _starts(tree)]
        truth = Truth.concat(kept)
        for path, content in tree.lists(captions_by_path(tree.images, truth)).items():
            write_whole(root, path, content)
        write_whole(root, f"{TRUTH}/people.json", people_file(world.people))
        settle_on_disk()
        truth_records(tree.images, world.people, truth).save(root / TRUTH / "records.csv")
        with atomic_write(root / WORLD_CARD) as file:  # last: it says that the world is finished
            file.write(_card(options, tree))
    return tree


def _starts(tree: Tree) -> range:
    return range(0, len(tree.images), _BATCH)


def _kept(work: Path, start: int) -> Path:
    """Where a batch's truth is kept; that it is there means that its images are on the disk."""
    return work / f"batch-{start:07d}.npz"


def _render(tree: Tree, world: World, root: Path, work: Path, options: Options, progress: Progress) -> None:
    grammar = load_grammar()
    with ThreadPoolExecutor(_ENCODERS) as pool, progress("Rendering", len(tree.images)) as advance:
        pending: tuple[Path, Truth, list[Future[None]]] | None = None
        for start in _starts(tree):
            images = tree.images[start : start + _BATCH]
            kept = _kept(work, start)
            if kept.is_file():
                advance(len(images))
                continue
            shots = [world.shot(p.person, p.camera, p.number, p.kind, p.band) for p in images]
            frames = world.render(shots, size=(options.height, options.width))
            if pending is not None:
                advance(_settle(*pending))
            truth = Truth.of(frames, images, world.people, options, grammar)
            pending = (kept, truth, _submit(pool, frames, images, world, root))
        if pending is not None:
            advance(_settle(*pending))


def _submit(
    pool: ThreadPoolExecutor, frames: Frames, images: Sequence[Image], world: World, root: Path
) -> list[Future[None]]:
    return [
        pool.submit(
            _write_image,
            root,
            image,
            frames.images[row],
            frames.parts[row],
            world.cameras[image.camera].jpeg_quality,
        )
        for row, image in enumerate(images)
    ]


def _settle(kept: Path, truth: Truth, writes: list[Future[None]]) -> int:
    """Wait until a batch's images are on the disk, then keep its truth; says how many they were."""
    for write in writes:
        write.result()
    settle_on_disk()
    truth.save(kept)
    return len(writes)


def _write_image(
    root: Path, drawn: Image, image: NDArray[np.uint8], parts: NDArray[np.uint8], quality: int
) -> None:
    content = encoded(image, PurePosixPath(drawn.paths[0]).suffix, quality)
    part_map = part_map_file(parts)
    for path in drawn.paths:
        write_whole(root, path, content)
        write_whole(root, f"{TRUTH}/{part_map_path(path)}", part_map)


def encoded(image: NDArray[np.uint8], suffix: str, quality: int) -> bytes:
    """The bytes of an image file of [H, W, 3]; `quality` is the camera's, for JPEG."""
    from PIL import Image

    buffer = io.BytesIO()
    options = {"quality": quality} if suffix == ".jpg" else {}
    Image.fromarray(image).save(buffer, _FORMATS[suffix], **options)
    return buffer.getvalue()


def _card(options: Options, tree: Tree) -> bytes:
    card = {
        **asdict(options),
        "pictures": len(tree.images),
        "counts": {part: list(count) for part, count in tree.counts.items()},
    }
    if any(image.band == "near_infrared" for image in tree.images):
        card["near_infrared"] = NEAR_INFRARED
    return (json.dumps(card, indent=1) + "\n").encode()
