"""Partial-iLIDS in its three forms (protocols.md, "Partial-iLIDS")."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets import market1501
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, person_row
from glimpse.protocols import without_cameras
from glimpse.records import PARTIAL, WHOLE, Records

QUERY_FOLDERS = ("partial_body_images", "query", "Probe", "probe")
GALLERY_FOLDERS = ("whole_body_images", "gallery", "Gallery")

LAYOUT = Layout(
    name="partial_ilids",
    title="Partial-iLIDS",
    task="partial",
    folders=("Partial_iLIDS", "PartialiLIDS", "Partial-iLIDS", "PartialILIDS"),
    tree="partial_body_images and whole_body_images with names like 12.jpg, "
    "or query and gallery, or Probe and Gallery",
    grants="its authors (Zheng et al., CVPR 2011) derived it from i-LIDS and give it for research",
    published={"test query": Count(119, 119), "test gallery": Count(119, 119)},
    rendered=True,
)

_NAME = re.compile(r"(?P<person>\d+)(?:_\d+)?")


def read(root: Path | str) -> Dataset:
    """Read Partial-iLIDS: one partial query and one whole gallery image per person."""
    reading = Reading.begin(LAYOUT, root, QUERY_FOLDERS, GALLERY_FOLDERS)
    query, gallery = (
        reading.parse(reading.folder(*folders), _NAME, row=person_row(kind=kind))
        for folders, kind in ((QUERY_FOLDERS, PARTIAL), (GALLERY_FOLDERS, WHOLE))
    )
    protocol = without_cameras(
        query, gallery, trained_on=market1501.LAYOUT.name, note="one right answer per query, so AP is 1/rank"
    )
    return reading.finish(Records.empty(), [protocol])
