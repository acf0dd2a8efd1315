"""P-DukeMTMC-reID in its two settings (protocols.md, "P-DukeMTMC-reID").

Withdrawn, as it derives from DukeMTMC.
"""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets import dukemtmc, market1501
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, person_row
from glimpse.protocols import without_cameras
from glimpse.records import OCCLUDED, WHOLE, Records

LAYOUT = Layout(
    name="p_dukemtmc",
    title="P-DukeMTMC-reID",
    task="occluded",
    folders=("P-DukeMTMC-reid", "P-DukeMTMC-reID", "P_DukeMTMC"),
    tree="train and test, each with occluded_body_images and whole_body_images, "
    "with names like 0001/0001_….jpg",
    grants=dukemtmc.WITHDRAWN,
    published={
        "train": Count(665, 12_927),
        "supervised query": Count(634, 2_163),
        "supervised gallery": Count(634, 9_053),
    },
    withdrawn=True,
)

_NAME = re.compile(r"(?P<person>\d+)_.+")
_FOLDERS = {OCCLUDED: "occluded_body_images", WHOLE: "whole_body_images"}


def read(root: Path | str) -> Dataset:
    """Read P-DukeMTMC-reID.

    The protocols have the same queries and gallery: `supervised` after training on its own training
    rows, `transfer` after training on Market-1501. A report names the one it used.
    """
    reading = Reading.begin(LAYOUT, root, "train", "test")
    parts = {
        (part, kind): reading.parse(
            reading.folder(f"{part}/{folder}"), _NAME, row=person_row(kind=kind), deep=True
        )
        for part in ("train", "test")
        for kind, folder in _FOLDERS.items()
    }
    train = Records.concat([parts["train", WHOLE], parts["train", OCCLUDED]])
    query, gallery = parts["test", OCCLUDED], parts["test", WHOLE]
    reading.check_closed(train, query, gallery)
    protocols = [
        without_cameras(query, gallery, name=name, trained_on=source, note=f"trained on {source}")
        for name, source in (("supervised", LAYOUT.name), ("transfer", market1501.LAYOUT.name))
    ]
    return reading.finish(train, protocols)
