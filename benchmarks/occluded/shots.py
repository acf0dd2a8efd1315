"""Each query's own shot again and again, with less and less of the person visible.

The occluded layout's queries show 34 to 90 % of a person, each another amount of another person. Here the
person, the camera, the pose, the light and the moment are a query's, and only what stands before the person
differs: the curve over visible fractions is of the same questions throughout.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glimpse.files import atomic_write
from glimpse.records import Records
from glimpse.world.export.options import WRITERS
from glimpse.world.export.tree import Image, Options
from glimpse.world.export.writing import encoded
from glimpse.world.frame import HEAD, Shot
from glimpse.world.world import World

WANTED = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Visible fractions that are asked for; what was got is measured."""
_AT_ONCE = 128
_CARD, _TRUTH = "shots.json", "truth.npz"
Counts = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Shots:
    """Images whose truth is known.

    Attributes:
        records: N rows.
        visible: float64 [N], the visible fraction.
        shown: int32 [N, H], pixels of the person in each row of the image.
        whole: int32 [N, H], the same if nothing stood before the person.
    """

    records: Records
    visible: NDArray[np.float64]
    shown: Counts
    whole: Counts

    def __getitem__(self, rows: Sequence[int]) -> Shots:
        chosen = np.asarray(rows, np.int64)
        return Shots(self.records[chosen], self.visible[chosen], self.shown[chosen], self.whole[chosen])

    def hidden(self, stripes: int) -> NDArray[np.float64]:
        """The share of the person that is hidden in each of some horizontal stripes, [N, stripes].

        NaN where the person does not reach into a stripe.
        """
        return hidden_shares(self.shown, self.whole, stripes)


def hidden_shares(shown: Counts, whole: Counts, stripes: int) -> NDArray[np.float64]:
    """The hidden share of each horizontal stripe, [N, stripes], of rows of pixels [N, H]; NaN where none is.

    >>> hidden_shares(np.array([[1, 1, 0, 0]]), np.array([[2, 2, 0, 0]]), 2).tolist()
    [[0.5, nan]]
    """
    edges = np.linspace(0, whole.shape[1], stripes + 1).round().astype(int)
    left, all_of_it = (
        np.add.reduceat(rows.astype(np.float64), edges[:-1], axis=1) for rows in (shown, whole)
    )
    shares = np.full(all_of_it.shape, np.nan)
    np.divide(left, all_of_it, out=shares, where=all_of_it > 0)
    return 1.0 - shares


def taken_again(world_folder: Path, folder: Path) -> tuple[Shots, Shots]:
    """The shots of a rendered layout's queries: as they are in the layout, and the series.

    Args:
        world_folder: of the rendered layout.
        folder: where the series is kept, or made if it is not there.
    """
    card = json.loads((world_folder / "glimpse-world.json").read_bytes())
    if _read(folder / _CARD) != _described(card):
        _take(card, folder)
    images = _queries(_options(card))
    with np.load(folder / _TRUTH, allow_pickle=False) as truth:
        own = Shots(
            _records(images, [str(world_folder / p.paths[0]) for p in images]),
            truth["own_visible"].astype(np.float64),
            truth["own_shown"],
            truth["whole"],
        )
        paths = [str(folder / _name(share, p)) for share in WANTED for p in images]
        series = Shots(
            _records(images * len(WANTED), paths),
            truth["visible"].astype(np.float64),
            truth["shown"],
            np.tile(truth["whole"], (len(WANTED), 1)),
        )
    return own, series


def _take(card: dict[str, object], folder: Path) -> None:
    options = _options(card)
    tree = WRITERS[options.layout].plan(options)
    world = World(options.seed, people=tree.people, cameras=tree.cameras, hardness=options.hardness)
    images = _queries(options)
    as_asked = [world.shot(p.person, p.camera, p.number, p.kind, p.band) for p in images]
    size = (options.height, options.width)
    own_visible, own_shown = _truth(world, as_asked, size)
    _, whole = _truth(world, [replace(shot, occluder=-1) for shot in as_asked], size)
    visible, shown = [], []
    for share in WANTED:
        shots = [world.shot(p.person, p.camera, p.number, _kind(share), p.band, share) for p in images]
        for start in range(0, len(shots), _AT_ONCE):
            frames = world.render(shots[start : start + _AT_ONCE], size=size)
            visible.append(frames.visible_whole)
            shown.append(_rows_of_person(frames.parts))
            for row, image in enumerate(images[start : start + _AT_ONCE]):
                quality = world.cameras[image.camera].jpeg_quality
                path = folder / _name(share, image)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encoded(frames.images[row], ".jpg", quality))
    with atomic_write(folder / _TRUTH) as file:
        np.savez(
            file,
            own_visible=own_visible,
            own_shown=own_shown,
            whole=whole,
            visible=np.concatenate(visible),
            shown=np.concatenate(shown),
        )
    with atomic_write(folder / _CARD) as file:  # last: it says that all are there
        file.write((json.dumps(_described(card), indent=1) + "\n").encode())


def _truth(world: World, shots: list[Shot], size: tuple[int, int]) -> tuple[NDArray[np.float32], Counts]:
    visible, rows = [], []
    for start in range(0, len(shots), _AT_ONCE):
        frames = world.render(shots[start : start + _AT_ONCE], size=size)
        visible.append(frames.visible_whole)
        rows.append(_rows_of_person(frames.parts))
    return np.concatenate(visible), np.concatenate(rows)


def _rows_of_person(parts: NDArray[np.uint8]) -> Counts:
    """How many pixels of each row of part maps [N, H, W] are the person's, [N, H]."""
    return np.count_nonzero(parts >= HEAD, axis=2).astype(np.int32)


def _queries(options: Options) -> list[Image]:
    tree = WRITERS[options.layout].plan(options)
    return [image for image in tree.images if image.paths[0].startswith("query/")]


def _options(card: dict[str, object]) -> Options:
    return Options(**{name: card[name] for name in Options.__dataclass_fields__})  # type: ignore[arg-type]


def _records(images: list[Image], paths: list[str]) -> Records:
    return Records.from_columns(paths, [p.label for p in images], camera=[p.printed_camera for p in images])


def _kind(share: float) -> Literal["whole", "occluded"]:
    return "whole" if share == 1.0 else "occluded"


def _name(share: float, image: Image) -> str:
    return f"visible-{100 * share:03.0f}/{Path(image.paths[0]).name}"


def _described(card: dict[str, object]) -> dict[str, object]:
    return {"format": 1, "wanted": list(WANTED), "world": card}


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
