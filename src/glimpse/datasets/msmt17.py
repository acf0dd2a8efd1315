"""MSMT17, both versions (protocols.md, "MSMT17")."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, Row, read_lines
from glimpse.errors import LayoutError
from glimpse.protocols import single_query
from glimpse.records import Records

LAYOUT = Layout(
    name="msmt17",
    title="MSMT17",
    task="whole",
    folders=("MSMT17_V1", "MSMT17_V2", "MSMT17"),
    tree="train and test (V1) or mask_train_v2 and mask_test_v2 (V2), and list_train.txt, list_val.txt, "
    "list_query.txt, list_gallery.txt",
    grants="its authors (Wei et al., CVPR 2018) send it against a signed agreement",
    published={
        "train": Count(1_041, 32_621),
        "test query": Count(3_060, 11_659),
        "test gallery": Count(3_060, 82_161),
    },
)

# the ending _ex occurs in the published lists
NAME = re.compile(
    r"(?P<person>\d{4})_(?P<number>\d{3})_(?P<camera>\d{2})_"
    r"(?P<date>\d{4})(?P<daytime>[a-z]+)_(?P<frame>\d{4})_(?P<box>\d+)(?:_ex)?"
)
_LINE = re.compile(r"(?P<path>\S+)\s+(?P<person>\d+)")


def read(root: Path | str, *, with_validation: bool = True) -> Dataset:
    """Read MSMT17.

    Args:
        root: its folder.
        with_validation: train on `list_val.txt` too, as TransReID does and the published count says;
            torchreid keeps it out unless told otherwise.
    """
    reading = Reading.begin(
        LAYOUT, root, ("train", "mask_train_v2"), ("test", "mask_test_v2"), "list_train.txt"
    )
    train_folder = reading.folder("train", "mask_train_v2")
    test_folder = reading.folder("test", "mask_test_v2")
    train = _listed(reading, "list_train.txt", train_folder)
    validation = _listed(reading, "list_val.txt", train_folder)
    query = _listed(reading, "list_query.txt", test_folder)
    gallery = _listed(reading, "list_gallery.txt", test_folder)
    # train and test persons are both numbered from 0: without an offset they would be taken for each other
    offset = int(max(Records.concat([train, validation]).person, default=-1)) + 1
    query = query.with_columns(person=query.person + offset)
    gallery = gallery.with_columns(person=gallery.person + offset)
    if with_validation:
        train, validation = Records.concat([train, validation]), Records.empty()
    return reading.finish(
        train, [single_query(query, gallery, trained_on=LAYOUT.name)], validation=validation
    )


def msmt_row(name: re.Match[str]) -> Row:
    """The columns that an MSMT17 name gives."""
    return {
        "person": int(name["person"]),
        "camera": int(name["camera"]),
        "time": float(name["frame"]),
        "session": name["date"] + name["daytime"],
    }


def _listed(reading: Reading, listed: str, folder: Path) -> Records:
    persons: dict[str, int] = {}
    for number, line in enumerate(read_lines(reading.root / listed), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise LayoutError(
                f"{reading.root / listed}, line {number}: expected a path and a person, got {line!r}"
            )
        persons[str(Path(match["path"]))] = int(match["person"])
    records = reading.parse(folder, NAME, row=msmt_row, among=persons)
    reading.require_images(records, listed)
    wrong = [
        path
        for path, person in zip(records.path.tolist(), records.person.tolist(), strict=True)
        if persons[str(Path(path).relative_to(folder))] != person
    ]
    if wrong:
        raise LayoutError(f"{listed} gives {wrong[0]} to another person than its name does")
    return records
