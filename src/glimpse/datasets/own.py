"""Your own images: a folder per person, or a table."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Layout
from glimpse.datasets.reading import Reading, image_names
from glimpse.errors import LayoutError, OptionError
from glimpse.protocols import Protocol, one_against_rest, single_query, text_to_image
from glimpse.records import TEXT, Records

FOLDER = Layout(
    name="folder",
    title="a folder per person",
    task="your own",
    folders=(),
    tree="a sub-folder per person with images inside; "
    "or train, query and gallery, each with such sub-folders",
    grants="they are your own images",
)
TABLE = Layout(
    name="csv",
    title="a table",
    task="your own",
    folders=(),
    tree="a .csv with at least the columns path and person, and perhaps camera, modality, caption, time, "
    "kind and split (train, val, query or gallery)",
    grants="they are your own images",
)

_SPLITS = ("train", "val", "query", "gallery")


def read_folder(root: Path | str, *, camera_pattern: str | None = None) -> Dataset:
    r"""Read `person/image`; the person's folder may have any name.

    Folders whose names are all different whole numbers keep them as persons; otherwise persons are
    numbered in the order of the sorted names. The extra column `name` holds the folder's name.

    Args:
        root: the folder of persons, or one with `train`, `query` and `gallery` inside.
        camera_pattern: a regular expression found in the image's name, whose group `camera` (or only
            group) is the camera's number, like `_c(\d+)`. Without it no camera is known.
    """
    pattern = _camera_pattern(camera_pattern)
    reading = Reading.begin(FOLDER, root)
    split = [name for name in _SPLITS if (reading.root / name).is_dir()]
    if {"query", "gallery"} <= set(split):
        images = {name: _person_folders(reading.root / name) for name in split}
    elif "train" in split:
        raise LayoutError(
            f"{reading.root} has a folder train but no query and gallery; expected {FOLDER.tree}"
        )
    else:
        images = {"": _person_folders(reading.root)}
    everyone = sorted({name for persons in images.values() for name in persons})
    if not everyone:
        raise LayoutError(f"no images in sub-folders of {reading.root}; expected {FOLDER.tree}")
    numbers = _numbers(everyone)
    tables = {
        split: _rows(reading.root / split, persons, numbers, pattern) for split, persons in images.items()
    }
    if "" in tables:
        return reading.finish(tables[""], [one_against_rest(tables[""])])
    return _with_split(reading, tables)


def read_table(root: Path | str) -> Dataset:
    """Read a CSV (or Arrow, Parquet) table; relative paths are relative to its folder.

    With a column `split`, its rows `query` are searched in its rows `gallery`; without, every image is a
    query against the rest.
    """
    path = Path(root)
    if not path.is_file():
        raise LayoutError(f"csv: no file at {path}; expected {TABLE.tree}")
    records = Records.load(path)
    records = records.with_columns(path=np.array([str(path.parent / p) for p in records.path], object))
    reading = Reading(TABLE, path.parent)
    images = records.filter(lambda rows: rows.modality != TEXT)
    reading.require_images(images, path.name)
    if "split" not in records.extra:
        if len(images) != len(records):
            raise LayoutError(f"{path} has captions but no column split; expected train, query and gallery")
        return reading.finish(records, [one_against_rest(records)])
    split = records.extra["split"]
    unknown = sorted(set(split.tolist()) - set(_SPLITS))
    if unknown:
        raise LayoutError(f"{path}: split must be one of {', '.join(_SPLITS)}, got {unknown[0]!r}")
    rest = records.without_columns("split")
    return _with_split(reading, {name: rest[split == name] for name in _SPLITS})


def _with_split(reading: Reading, tables: dict[str, Records]) -> Dataset:
    query, gallery = tables["query"], tables["gallery"]
    train = tables.get("train", Records.empty())
    if not len(query) or not len(gallery):
        raise LayoutError(f"{reading.root}: both query and gallery need rows")
    reading.check_closed(train, query, gallery)
    if bool(np.any(query.modality == TEXT)):
        protocol: Protocol = text_to_image(query, gallery, name="test", trained_on=reading.layout.name)
    else:
        protocol = single_query(query, gallery, trained_on=reading.layout.name)
    return reading.finish(train, [protocol], validation=tables.get("val"))


def _person_folders(folder: Path) -> dict[str, list[str]]:
    """Images by person, persons sorted."""
    persons = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    found = {person: image_names(folder / person) for person in persons}
    return {person: images for person, images in found.items() if images}


def _numbers(names: list[str]) -> dict[str, int]:
    if all(name.isascii() and name.isdecimal() for name in names) and len({int(n) for n in names}) == len(
        names
    ):
        return {name: int(name) for name in names}
    return {name: number for number, name in enumerate(names)}


def _rows(
    folder: Path, persons: dict[str, list[str]], numbers: dict[str, int], pattern: re.Pattern[str] | None
) -> Records:
    rows = []
    for name, images in persons.items():
        for image in images:
            row = {"path": str(folder / name / image), "person": numbers[name], "name": name}
            if pattern is not None:
                row["camera"] = _camera(pattern, folder / name / image)
            rows.append(row)
    return Records.from_rows(rows)


def _camera_pattern(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as wrong:
        raise OptionError(f"the camera pattern {text!r} is not a regular expression: {wrong}") from wrong
    if "camera" not in pattern.groupindex and pattern.groups != 1:
        raise OptionError(
            f"the camera pattern {text!r} needs one group or a group named camera, like _c(\\d+)"
        )
    return pattern


def _camera(pattern: re.Pattern[str], path: Path) -> int:
    match = pattern.search(path.name)
    value = None if match is None else match["camera" if "camera" in pattern.groupindex else 1]
    if value is None or not (value.isascii() and value.isdecimal()):
        raise LayoutError(f"the camera pattern {pattern.pattern!r} finds no number in {path}")
    return int(value)
