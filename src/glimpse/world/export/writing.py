"""Rendering a planned tree into a folder, batch by batch, so that a killed run goes on where it was."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from glimpse.datasets.counts import WORLD_CARD
from glimpse.world.export.options import WRITERS
from glimpse.world.export.site import TRUTH, opened, write_whole
from glimpse.world.export.tree import Options, Picture, Tree
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

Progress = Callable[[int, int], None]
"""Is told how many pictures are done, of how many."""

_BATCH = 128  # pictures: what a kill may cost, and what is rendered while the batch before is encoded
_ENCODERS = 4  # threads; encoding waits for the disk more than for a core
_FORMATS = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".bmp": "BMP"}


def export_tree(root: Path, options: Options, progress: Progress | None = None) -> Tree:
    """Render the tree that `options` describe into the folder `root`.

    The folder must be new, empty, or left by a killed run with the same options, which is continued:
    the files are then the same, byte for byte, as if it had not been killed.
    """
    tree = WRITERS[options.layout].plan(options)
    with opened(root, options) as work:
        world = World(options.seed, people=tree.people, cameras=tree.cameras, hardness=options.hardness)
        _render(tree, world, root, work, options, progress or _silent)
        kept = [Truth.load(_kept(work, start)) for start in _starts(tree)]
        truth = Truth.concat(kept)
        for path, content in tree.lists(captions_by_path(tree.pictures, truth)).items():
            write_whole(root, path, content)
        truth_records(tree.pictures, world.people, truth).save(root / TRUTH / "records.csv")
        write_whole(root, f"{TRUTH}/people.json", people_file(world.people))
        write_whole(root, WORLD_CARD, _card(options, tree))
    return tree


def _silent(done: int, total: int) -> None:
    """Nobody asked how far it is."""


def _starts(tree: Tree) -> range:
    return range(0, len(tree.pictures), _BATCH)


def _kept(work: Path, start: int) -> Path:
    """Where a batch's truth is kept; that it is there means that its pictures are on the disk."""
    return work / f"batch-{start:07d}.npz"


def _render(tree: Tree, world: World, root: Path, work: Path, options: Options, progress: Progress) -> None:
    grammar = load_grammar()
    total = len(tree.pictures)
    with ThreadPoolExecutor(_ENCODERS) as pool:
        pending: tuple[int, Truth, list[Future[None]]] | None = None
        for start in _starts(tree):
            if _kept(work, start).is_file():
                progress(min(start + _BATCH, total), total)
                continue
            pictures = tree.pictures[start : start + _BATCH]
            shots = [world.shot(p.person, p.camera, p.number, p.kind, p.band) for p in pictures]
            frames = world.render(shots, size=(options.height, options.width))
            if pending is not None:
                _settle(work, *pending, progress, total)
            truth = Truth.of(frames, pictures, world.people, options, grammar)
            pending = (start, truth, _submit(pool, frames, pictures, world, root))
        if pending is not None:
            _settle(work, *pending, progress, total)


def _submit(
    pool: ThreadPoolExecutor, frames: Frames, pictures: Sequence[Picture], world: World, root: Path
) -> list[Future[None]]:
    return [
        pool.submit(
            _write_picture,
            root,
            picture,
            frames.images[row],
            frames.parts[row],
            world.cameras[picture.camera].jpeg_quality,
        )
        for row, picture in enumerate(pictures)
    ]


def _settle(
    work: Path, start: int, truth: Truth, writes: list[Future[None]], progress: Progress, total: int
) -> None:
    """Wait until a batch's pictures are on the disk, then keep its truth."""
    for write in writes:
        write.result()
    truth.save(_kept(work, start))
    progress(start + len(writes), total)


def _write_picture(
    root: Path, picture: Picture, image: NDArray[np.uint8], parts: NDArray[np.uint8], quality: int
) -> None:
    content = encoded(image, PurePosixPath(picture.paths[0]).suffix, quality)
    part_map = part_map_file(parts)
    for path in picture.paths:
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
        "pictures": len(tree.pictures),
        "counts": {part: list(count) for part, count in tree.counts.items()},
    }
    return (json.dumps(card, indent=1) + "\n").encode()
