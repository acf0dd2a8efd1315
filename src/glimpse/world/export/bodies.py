"""Occluded-REID, Partial-REID and Partial-iLIDS: folders of occluded or partial bodies against whole ones.

They have neither cameras nor a training split.
"""

from __future__ import annotations

from collections.abc import Sequence

from glimpse.records import NO_CAMERA
from glimpse.world.export.tree import Image, Options, Tree, Writer, counted, layout_rng
from glimpse.world.frame import Kind

_CAMERAS = 6


def plan_occluded_reid(options: Options) -> Tree:
    """As many occluded as whole images of each person."""
    images = _images(
        options, ("occluded", "whole"), "{kind}_body_images/{person:03d}/{person:03d}_{n:02d}.tif"
    )
    return _tree(options, images, {"test": "occluded"})


def plan_partial_reid(options: Options) -> Tree:
    """A third partial, a third occluded, a third whole."""
    kinds: tuple[Kind, ...] = ("partial", "occluded", "whole")
    images = _images(options, kinds, "{kind}_body_images/{person:03d}_{n:03d}.jpg")
    return _tree(options, images, {"partial": "partial", "occluded": "occluded"})


def plan_partial_ilids(options: Options) -> Tree:
    """One partial and one whole image of each person."""
    images = _images(options, ("partial", "whole"), "{kind}_body_images/{person}.jpg")
    return _tree(options, images, {"test": "partial"})


def _images(options: Options, kinds: Sequence[Kind], name: str) -> list[Image]:
    rng = layout_rng(options)
    images: list[Image] = []
    for person in range(options.people):
        for kind in kinds:
            for n in range(1, options.images_per_person // len(kinds) + 1):
                path = name.format(kind=kind, person=person + 1, n=n)
                camera = int(rng.integers(_CAMERAS))
                images.append(Image((path,), person, camera, len(images), person + 1, NO_CAMERA, kind=kind))
    return images


def _tree(options: Options, images: list[Image], protocols: dict[str, Kind]) -> Tree:
    counts = {}
    for protocol, kind in protocols.items():
        counts[f"{protocol} query"] = counted(images, f"{kind}_body_images/")
        counts[f"{protocol} gallery"] = counted(images, "whole_body_images/")
    return Tree(options.people, _CAMERAS, tuple(images), counts)


OCCLUDED_REID = Writer(
    "occluded_reid",
    plan_occluded_reid,
    {"tiny": (8, 4), "small": (100, 10), "bench": (200, 10), "large": (5_000, 20)},
    fewest_images=2,
    most_images=180,
    images_step=2,
)
PARTIAL_REID = Writer(
    "partial_reid",
    plan_partial_reid,
    {"tiny": (8, 6), "small": (60, 15), "bench": (200, 15), "large": (5_000, 21)},
    fewest_images=3,
    images_step=3,
)
PARTIAL_ILIDS = Writer(
    "partial_ilids",
    plan_partial_ilids,
    {"tiny": (12, 2), "small": (119, 2), "bench": (500, 2), "large": (50_000, 2)},
    fewest_images=2,
    most_images=2,
    most_people=100_000,
    images_step=2,
)
