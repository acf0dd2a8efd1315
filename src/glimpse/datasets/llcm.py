"""LLCM: low-light visible and near-infrared, in both directions.

Not in the specification's pages: layout, draw and rule were read in the authors' public code;
the counts are those of its paper (Zhang and Wang, CVPR 2023), not verified on the data.
"""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, Row, read_lines, read_persons
from glimpse.errors import LayoutError
from glimpse.protocols import llcm
from glimpse.records import IR, RGB, Records

LAYOUT = Layout(
    name="llcm",
    title="LLCM",
    task="infrared",
    folders=("LLCM", "llcm"),
    tree="idx with train_vis.txt, train_nir.txt and test_id.txt; vis and nir; "
    "test_vis and test_nir with names like cam1/0003/0003_c01_s185734_f3195_vis.jpg",
    grants="its authors (Zhang and Wang, CVPR 2023) send it against a signed agreement",
    published={
        "train rgb": Count(713, 16_946),
        "train ir": Count(713, 13_975),
        "infrared-to-visible query": Count(351, 7_166),
        "visible-to-infrared query": Count(351, 8_680),
    },
)

NAME = re.compile(r"(?P<person>\d{4})_c(?P<camera>\d{2})_s(?P<clock>\d+)_f(?P<frame>\d+)_(?P<band>vis|nir)")
_MODALITY = {"vis": RGB, "nir": IR}


def read(root: Path | str) -> Dataset:
    """Read LLCM."""
    reading = Reading.begin(LAYOUT, root, "idx", "test_vis", "test_nir")
    train = Records.concat([_listed(reading, band) for band in _MODALITY])
    test_ids = read_persons(reading.root / "idx" / "test_id.txt")
    visible, infrared = (
        reading.parse(reading.folder(f"test_{band}"), NAME, row=_row, deep=True).filter(person=test_ids)
        for band in _MODALITY
    )
    reading.check_closed(train, visible, infrared)
    return reading.finish(train, llcm(visible, infrared))


def _row(name: re.Match[str]) -> Row:
    return {
        "person": int(name["person"]),
        "camera": int(name["camera"]),
        "modality": _MODALITY[name["band"]],
        "time": float(name["frame"]),
    }


def _listed(reading: Reading, band: str) -> Records:
    listed = f"train_{band}.txt"
    names: list[str] = []
    for number, line in enumerate(read_lines(reading.root / "idx" / listed), start=1):
        words = line.split()
        if len(words) != 2 or not words[1].isdecimal():
            raise LayoutError(f"idx/{listed}, line {number}: expected a path and a label, got {line!r}")
        names.append(str(Path(words[0])))
    records = reading.parse(reading.root, NAME, row=_row, among=names)
    reading.require_images(records, listed)
    return records
