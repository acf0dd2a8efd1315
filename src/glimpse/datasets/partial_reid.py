"""Partial-REID (protocols.md, "Partial-REID")."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets import market1501
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, person_row
from glimpse.protocols import without_cameras
from glimpse.records import OCCLUDED, PARTIAL, WHOLE, Records

LAYOUT = Layout(
    name="partial_reid",
    title="Partial-REID",
    task="partial",
    folders=("Partial-REID_Dataset", "Partial_REID", "PartialREID", "Partial-REID"),
    tree="partial_body_images, whole_body_images and perhaps occluded_body_images, "
    "with names like 001_001.jpg",
    grants="its authors (Zheng et al., ICCV 2015) give it for research",
    published={
        "partial query": Count(60, 300),
        "partial gallery": Count(60, 300),
        "occluded query": Count(60, 300),
        "occluded gallery": Count(60, 300),
    },
    rendered=True,
)

_NAME = re.compile(r"(?P<person>\d+)_(?P<number>\d+)")
_FOLDERS = {WHOLE: "whole_body_images", PARTIAL: "partial_body_images", OCCLUDED: "occluded_body_images"}


def read(root: Path | str) -> Dataset:
    """Read Partial-REID.

    The queries of the protocol `partial` are the partial images, as most of the literature has it; those of
    `occluded` are the occluded ones, as in PVPM's loader.
    """
    reading = Reading.begin(LAYOUT, root, "partial_body_images", "whole_body_images")
    sides = {
        kind: reading.parse(reading.folder(folder), _NAME, row=person_row(kind=kind))
        for kind, folder in _FOLDERS.items()
        if (reading.root / folder).is_dir()
    }
    protocols = [
        without_cameras(sides[kind], sides[WHOLE], name=kind, trained_on=market1501.LAYOUT.name)
        for kind in (PARTIAL, OCCLUDED)
        if kind in sides
    ]
    return reading.finish(Records.empty(), protocols)
