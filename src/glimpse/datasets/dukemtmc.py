"""DukeMTMC-reID (protocols.md, "DukeMTMC-reID"). Withdrawn: only a copy that the user has is read."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, Row
from glimpse.protocols import single_query

WITHDRAWN = "nobody grants it any more, bring the copy that you have"

LAYOUT = Layout(
    name="dukemtmc",
    title="DukeMTMC-reID",
    task="whole",
    folders=("DukeMTMC-reID", "dukemtmc-reid", "DukeMTMC"),
    tree="bounding_box_train, bounding_box_test and query with names like 0001_c2_f0046182.jpg",
    grants=WITHDRAWN,
    published={
        "train": Count(702, 16_522),
        "test query": Count(702, 2_228),
        "test gallery": Count(1_110, 17_661),
    },
    withdrawn=True,
)

NAME = re.compile(r"(?P<person>\d{4})_c(?P<camera>\d)_f(?P<frame>\d{7})")


def read(root: Path | str) -> Dataset:
    """Read DukeMTMC-reID."""
    reading = Reading.begin(LAYOUT, root, "bounding_box_train", "bounding_box_test", "query")
    train = reading.parse(reading.folder("bounding_box_train"), NAME, row=duke_row)
    query = reading.parse(reading.folder("query"), NAME, row=duke_row)
    gallery = reading.parse(reading.folder("bounding_box_test"), NAME, row=duke_row)
    reading.check_closed(train, query, gallery)
    return reading.finish(train, [single_query(query, gallery, trained_on=LAYOUT.name)])


def duke_row(name: re.Match[str]) -> Row:
    """The columns that a DukeMTMC-reID name gives."""
    return {"person": int(name["person"]), "camera": int(name["camera"]), "time": float(name["frame"])}
