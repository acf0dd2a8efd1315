"""MARS: tracks of frames, as the authors' evaluation reads them (protocols.md, "MARS")."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, Row, read_lines
from glimpse.errors import LayoutError
from glimpse.protocols import single_query
from glimpse.protocols.matlab import read_variable, whole_numbers
from glimpse.records import DISTRACTOR, JUNK, IntArray

LAYOUT = Layout(
    name="mars",
    title="MARS",
    task="whole",
    folders=("MARS", "mars", "MARS-v160809"),
    tree="bbox_train and bbox_test with names like 0001/0001C1T0001F001.jpg, and info with test_name.txt, "
    "tracks_test_info.mat and query_IDX.mat",
    grants="its authors (Zheng et al., ECCV 2016) offer it on their project page for research",
    published={"train": Count(625, 509_914)},
)

NAME = re.compile(r"(?P<track>(?P<person>00-1|\d{4})C(?P<camera>\d)T\d{4})F(?P<frame>\d{3,})")


def read(root: Path | str) -> Dataset:
    """Read MARS; a row per frame, its track in the column `tracklet`.

    Queries are the frames of the tracks that `query_IDX.mat` numbers; the gallery is all test tracks.
    """
    reading = Reading.begin(LAYOUT, root, "bbox_train", "bbox_test", "info")
    train = reading.parse(reading.folder("bbox_train"), NAME, row=_row, deep=True)
    test = reading.parse(reading.folder("bbox_test"), NAME, row=_row, deep=True)
    query = test.filter(tracklet=_query_tracks(reading.root / "info"))
    reading.check_closed(train, query)
    return reading.finish(train[train.person >= 0], [single_query(query, test, trained_on=LAYOUT.name)])


def _row(name: re.Match[str]) -> Row:
    """The columns that a name gives; as in Market-1501, `0000` is a distractor, `00-1` junk."""
    person = -1 if name["person"] == "00-1" else int(name["person"])
    return {
        "person": {0: DISTRACTOR, -1: JUNK}.get(person, person),
        "camera": int(name["camera"]),
        "time": float(name["frame"]),
        "tracklet": name["track"],
    }


def _query_tracks(info: Path) -> list[str]:
    """The query tracks, by the names of their first frames."""
    names = read_lines(info / "test_name.txt")
    tracks = _matrix(info / "tracks_test_info.mat", "track_test_info")
    chosen = _matrix(info / "query_IDX.mat", "query_IDX").ravel()
    if tracks.ndim != 2 or tracks.shape[1] != 4:
        raise LayoutError(f"{info / 'tracks_test_info.mat'} must be [tracks, 4], got {list(tracks.shape)}")
    if not len(chosen) or chosen.min() < 1 or chosen.max() > len(tracks):
        raise LayoutError(f"{info / 'query_IDX.mat'} must number tracks from 1 to {len(tracks)}")
    first = tracks[chosen - 1, 0]
    if first.min() < 1 or first.max() > len(names):
        raise LayoutError(f"{info / 'tracks_test_info.mat'} must number lines of test_name.txt")
    matches = [NAME.fullmatch(Path(names[place - 1].strip()).stem) for place in first.tolist()]
    if None in matches:
        raise LayoutError(f"{info / 'test_name.txt'} must hold names like 0001C1T0001F001.jpg")
    return sorted({match["track"] for match in matches if match is not None})


def _matrix(path: Path, name: str) -> IntArray:
    values = read_variable(path, name, "MARS's matrix")
    return whole_numbers(np.asarray(values), f"{name} in {path}")
