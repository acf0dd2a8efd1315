"""Occluded-REID in its three forms (protocols.md, "Occluded-REID")."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets import market1501
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, person_row
from glimpse.protocols import without_cameras
from glimpse.records import OCCLUDED, WHOLE, Records

LAYOUT = Layout(
    name="occluded_reid",
    title="Occluded-REID",
    task="occluded",
    folders=("Occluded_REID", "OccludedREID", "Occluded-REID"),
    tree="occluded_body_images and whole_body_images with names like 001/001_01.tif, or query and gallery",
    grants="its authors (Zhuo et al., ICME 2018) link it from their project page for research",
    published={"test query": Count(200, 1_000), "test gallery": Count(200, 1_000)},
    rendered=True,
)

QUERY_FOLDERS = ("occluded_body_images", "query")
GALLERY_FOLDERS = ("whole_body_images", "gallery", "bounding_box_test")

# the number after the person counts images; taking it for a camera would drop true matches (protocols.md,
# "Sets without cameras")
_NAME = re.compile(r"(?P<person>\d{3,4})_(?P<number>\d{2,3})")


def read(root: Path | str) -> Dataset:
    """Read Occluded-REID: original .tif folders, repackaged jpg, or names like `0001_c1s1_000050_00.tif`.

    There are no cameras: in the renamed form `c1` and `c3` only tell query from gallery.
    """
    reading = Reading.begin(LAYOUT, root, QUERY_FOLDERS, GALLERY_FOLDERS)
    query, gallery = (
        reading.parse(reading.folder(*folders), _NAME, market1501.NAME, row=person_row(kind=kind), deep=True)
        for folders, kind in ((QUERY_FOLDERS, OCCLUDED), (GALLERY_FOLDERS, WHOLE))
    )
    protocol = without_cameras(
        query, gallery, trained_on=market1501.LAYOUT.name, note="all persons are tested; train on Market-1501"
    )
    return reading.finish(Records.empty(), [protocol])
