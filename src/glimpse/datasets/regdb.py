"""RegDB: visible and thermal, ten random splits, a model for each (protocols.md, "RegDB")."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import numpy as np

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, image_names, read_lines
from glimpse.errors import LayoutError, OptionError
from glimpse.protocols import both_directions
from glimpse.protocols.matlab import read_variables, whole_numbers
from glimpse.records import IR, RGB, IntArray, Records

_HALF = Count(206, 2_060)

LAYOUT = Layout(
    name="regdb",
    title="RegDB",
    task="infrared",
    folders=("RegDB", "regdb"),
    tree="Visible and Thermal with names like 1/male_back_v_05311_53.bmp, and idx with "
    "train_visible_1.txt to test_thermal_10.txt, or RegDB_split.mat",
    grants="its authors (Nguyen et al., Sensors 2017) send it against a signed agreement",
    published={
        "train rgb": _HALF,
        "train ir": _HALF,
        "visible-to-thermal query": _HALF,
        "visible-to-thermal gallery": _HALF,
        "thermal-to-visible query": _HALF,
        "thermal-to-visible gallery": _HALF,
    },
    rendered=True,
    splits=tuple(range(1, 11)),
)

_SPLIT_FILE = "RegDB_split.mat"
_SIDES = {"visible": (RGB, 1, "Visible"), "thermal": (IR, 2, "Thermal")}
"""Modality, pseudo-camera and folder; the two real cameras are aligned, so nothing is ever left out."""


def read(root: Path | str, *, split: int = 1) -> Dataset:
    """Read RegDB.

    Args:
        root: its folder.
        split: 1 to 10. Each is a train and test set of its own; results are the mean of ten models.
    """
    if split not in LAYOUT.splits:
        raise OptionError(f"{LAYOUT.name} has the splits 1 to 10, got {split}")
    reading = Reading.begin(LAYOUT, root, "Visible", "Thermal")
    if (reading.root / "idx").is_dir():
        parts = {
            (part, side): _listed(reading, reading.root / "idx" / f"{part}_{side}_{split}.txt", side)
            for part in ("train", "test")
            for side in _SIDES
        }
    else:
        parts = _halved(reading, *_persons(reading, split))
    train = Records.concat([parts["train", "visible"], parts["train", "thermal"]])
    visible, thermal = parts["test", "visible"], parts["test", "thermal"]
    reading.check_closed(train, visible, thermal)
    return reading.finish(train, both_directions(visible, thermal, trained_on=LAYOUT.name))


def _listed(reading: Reading, path: Path, side: str) -> Records:
    """A list's images.

    The person is the folder's number, so that train and test persons differ; the list's own labels
    are counted from 0 in both.
    """
    images: dict[str, int] = {}
    labels: dict[int, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        # the parts of the path, not its characters: some lists are written with backslashes
        parts = PureWindowsPath(words[0]).parts if words else ()
        if len(words) != 2 or len(parts) != 3 or not (parts[1].isdecimal() and words[1].isdecimal()):
            raise LayoutError(f"{path}, line {number}: expected like Visible/1/name.bmp 0, got {line!r}")
        label, person = int(words[1]), int(parts[1])
        if labels.setdefault(label, person) != person:
            raise LayoutError(f"{path}, line {number}: label {label} is folder {labels[label]} and {person}")
        images[str(reading.root.joinpath(*parts))] = person
    records = _records(images, side)
    reading.require_images(records, path.name)
    return records


def _persons(reading: Reading, split: int) -> tuple[IntArray, IntArray]:
    """The train and test persons of a split where there are no lists.

    From `RegDB_split.mat`, else seeded, half of the persons each (our choice).
    """
    file = reading.root / _SPLIT_FILE
    if file.is_file():
        return _published(file, split)
    reading.problems.append(
        f"no folder idx with the official splits, and no {_SPLIT_FILE}: drew split {split} by its number "
        "as a seed; results are not comparable with published ones"
    )
    images = Records.concat([_images(reading, side) for side in _SIDES])
    return _halves(np.random.default_rng(split).permutation(images.persons))


def _published(file: Path, split: int) -> tuple[IntArray, IntArray]:
    """A split of the MATLAB file, a row or column of persons: of `train...` and of `test...`, or of all.

    Of all, the first half trains.
    """
    splits: dict[str, IntArray] = {}
    for name, values in read_variables(file).items():
        if values.dtype == object or len(LAYOUT.splits) not in values.shape[:2] or values.ndim != 2:
            continue
        rows = values if len(values) == len(LAYOUT.splits) else values.T
        splits[name] = whole_numbers(rows, f"{name} in {file}")[split - 1]
    train, test = (
        [persons for name, persons in splits.items() if part in name.lower()] for part in ("train", "test")
    )
    if len(train) == len(test) == 1:
        found = train[0], test[0]
    elif len(splits) == 1:
        found = _halves(next(iter(splits.values())))
    else:
        raise LayoutError(
            f"{file} must hold the persons of ten splits, as train and test or as one matrix whose first "
            f"half trains; matrices with ten rows or columns in it: {', '.join(splits) or 'none'}"
        )
    persons = np.concatenate(found)
    if len(np.unique(persons)) != len(persons) or persons.min(initial=0) < 0:
        raise LayoutError(f"{file}: split {split} names a person twice, or no person")
    return found


def _halves(persons: IntArray) -> tuple[IntArray, IntArray]:
    return persons[: len(persons) // 2], persons[len(persons) // 2 :]


def _halved(reading: Reading, train: IntArray, test: IntArray) -> dict[tuple[str, str], Records]:
    """Everybody's images by part and side."""
    sides = {side: _images(reading, side) for side in _SIDES}
    return {
        (part, side): records.filter(person=persons.tolist())
        for part, persons in (("train", train), ("test", test))
        for side, records in sides.items()
    }


def _images(reading: Reading, side: str) -> Records:
    folder = _SIDES[side][2]
    names = [Path(name) for name in image_names(reading.folder(folder), deep=True)]
    return _records(
        {
            str(reading.root / folder / name): int(name.parts[0])
            for name in names
            if name.parts[0].isdecimal()
        },
        side,
    )


def _records(images: dict[str, int], side: str) -> Records:
    modality, camera, _ = _SIDES[side]
    paths = sorted(images)
    return Records.from_columns(paths, [images[path] for path in paths], camera=camera, modality=modality)
