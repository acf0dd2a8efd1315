"""SAP's teachers on a rendered world: its own part maps, the same with noise, and its own keypoints."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.files import atomic_write
from glimpse.records import Records
from glimpse.segmentation import PartSource, keypoint_parts, world_parts
from glimpse.world.frame import KEYPOINTS

CELL = 8  # squares in the height of a map that noise fills
_SIDES = [
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]
_COCO = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", *_SIDES]


@dataclass(frozen=True)
class NoisyParts:
    """Another source's maps in which a share of the squares has a wrong label, each image its own.

    A wrong label is drawn alike from all the others, the background among them. A map has `CELL` squares in
    its height and half as many in its width.

    Attributes:
        source: of the maps.
        share: of the squares.
    """

    source: PartSource
    share: float

    @property
    def truth(self) -> str:
        """How the labels were made."""
        return f"{self.source.truth}; {self.share:.0%} of {CELL} x {CELL // 2} squares labelled at random"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, the background first."""
        return tuple(self.source.names)

    def key(self, paths: Sequence[str]) -> str:
        """See `PartSource.key`."""
        return f"{self.source.key(paths)}, noise {self.share} in {CELL}"

    def parts(self, paths: Sequence[str], size: tuple[int, int]) -> NDArray[np.uint8]:
        """See `PartSource.parts`."""
        maps = self.source.parts(paths, size)
        down = np.arange(size[0]) * CELL // size[0]
        across = np.arange(size[1]) * (CELL // 2) // size[1]
        for one, path in zip(maps, paths, strict=True):
            name = "/".join(Path(path).parts[-2:])
            random = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()[:8]))
            wrong = random.random((CELL, CELL // 2)) < self.share
            shift = random.integers(1, len(self.names), (CELL, CELL // 2))
            at = np.ix_(down, across)
            one[:] = (one + np.where(wrong, shift, 0)[at]) % len(self.names)
        return maps


def teacher(name: str, world: Path) -> PartSource:
    """The source that an arm's teacher names.

    Args:
        name: `truth`, `pose`, or the share of noise in the truth.
        world: the rendered layout.
    """
    if name == "pose":
        return keypoint_parts(_keypoints(world))
    truth = world_parts(world, "common")
    return truth if name == "truth" else NoisyParts(truth, float(name))


def _keypoints(world: Path) -> Path:
    """The keypoints of the training images in COCO's order, as a pose network would leave them, in a file."""
    file = world / "ground_truth" / "coco-keypoints.npz"
    if not file.is_file():
        truth = Records.load(world / "ground_truth" / "records.csv")
        rows = truth[truth.extra["split"] == "train"]
        found = np.zeros((len(rows), len(_COCO), 3))
        for number, name in enumerate(KEYPOINTS):
            if name in _COCO:
                found[:, _COCO.index(name)] = rows.extra["keypoints"][:, number]
        top, neck = (rows.extra["keypoints"][:, KEYPOINTS.index(name)] for name in ("head_top", "neck"))
        found[:, 0] = (top + neck) / 2  # somewhere in the face
        found[:, 0, 2] = (top[:, 2] > 0) & (neck[:, 2] > 0)
        with atomic_write(file) as out:
            np.savez(out, paths=np.array(rows.path.tolist()), keypoints=found)
    return file
