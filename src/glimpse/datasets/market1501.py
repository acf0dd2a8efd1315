"""Market-1501, with the 500,000 distractors where they are (protocols.md, "Market-1501")."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, Row, image_names
from glimpse.protocols import single_query
from glimpse.records import DISTRACTOR, JUNK, Records

LAYOUT = Layout(
    name="market1501",
    title="Market-1501",
    task="whole",
    folders=("Market-1501-v15.09.15", "Market-1501", "market1501"),
    tree="bounding_box_train, bounding_box_test and query with names like 0002_c1s1_000451_03.jpg",
    grants="its authors (Zheng et al., ICCV 2015) offer it on their project page for research",
    published={
        "train": Count(751, 12_936),
        "test query": Count(750, 3_368),
        "test gallery": Count(750, 15_913),
    },
    rendered=True,
)

NAME = re.compile(r"(?P<person>-1|\d{4})_c(?P<camera>\d)s(?P<sequence>\d)_(?P<frame>\d{6})_(?P<box>\d{2})")


def read(root: Path | str) -> Dataset:
    """Read Market-1501; with the folder `images`, a second protocol adds it to the gallery."""
    reading = Reading.begin(LAYOUT, root, "bounding_box_train", "bounding_box_test", "query")
    train = reading.parse(reading.folder("bounding_box_train"), NAME, row=market_row)
    query = reading.parse(reading.folder("query"), NAME, row=market_row)
    gallery = reading.parse(reading.folder("bounding_box_test"), NAME, row=market_row)
    reading.check_closed(train, query, gallery)
    protocols = [single_query(query, gallery, trained_on=LAYOUT.name)]
    if (reading.root / "images").is_dir():
        larger = Records.concat([gallery, _distractors(reading.root / "images")])
        protocols.append(single_query(query, larger, name="test+500k", trained_on=LAYOUT.name))
    return reading.finish(train[train.person >= 0], protocols)


def market_row(name: re.Match[str]) -> Row:
    """The columns that a Market-1501 name gives; `0000` is a distractor, `-1` junk."""
    person = int(name["person"])
    return {
        "person": {0: DISTRACTOR, -1: JUNK}.get(person, person),
        "camera": int(name["camera"]),
        "time": float(name["frame"]),
        "sequence": int(name["sequence"]),
    }


def _distractors(folder: Path) -> Records:
    """Distractor images; their names give neither person nor camera."""
    names = image_names(folder)
    return Records.from_columns(
        [str(folder / name) for name in names], DISTRACTOR, extra={"sequence": [0] * len(names)}
    )
