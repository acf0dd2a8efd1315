"""SYSU-MM01: visible and near-infrared (protocols.md, "SYSU-MM01")."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import numpy as np

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, advice, image_names, read_persons
from glimpse.errors import LayoutError
from glimpse.protocols import read_permutations, sysu_mm01
from glimpse.protocols.matlab import read_variable, whole_numbers
from glimpse.records import IR, RGB, Records

LAYOUT = Layout(
    name="sysu_mm01",
    title="SYSU-MM01",
    task="infrared",
    folders=("SYSU-MM01", "SYSU_MM01", "sysu"),
    tree="cam1 to cam6 with names like cam1/0001/0001.jpg, and exp with train_id, val_id and test_id",
    grants="its authors (Wu et al., ICCV 2017) send it against a signed agreement",
    published={
        "train rgb": Count(395, 22_258),
        "train ir": Count(395, 11_909),
        "all-single query": Count(96, 3_803),
        "all-single gallery": Count(96, 301),
        "all-multi gallery": Count(96, 3_010),
        "indoor-single gallery": Count(56, 112),
        "indoor-multi gallery": Count(56, 1_120),
    },
    published_valid={"all-single": 3_803, "indoor-single": 2_208},
    rendered=True,
)

INFRARED_CAMERAS = (3, 6)
CAMERAS = (1, 2, 3, 4, 5, 6)

_SPLITS = ("train_id", "val_id", "test_id")
_PERMUTATIONS = "rand_perm_cam.mat"
_PATH = re.compile(r"cam(?P<camera>[1-6])/(?P<person>\d{4})/(?P<number>\d{4})")


class Draw(Enum):
    """How the gallery is drawn; the two give slightly different numbers."""

    OFFICIAL = "official"
    """The published permutation file `rand_perm_cam.mat`; SIM's choice."""
    SEEDED = "seeded"
    """Python's generator seeded with the trial; AGW's choice."""


def read(root: Path | str, *, draw: Draw | None = None, with_validation: bool = True) -> Dataset:
    """Read SYSU-MM01.

    Args:
        root: its folder.
        draw: of the gallery; by default official where the permutation file is there, else seeded.
        with_validation: train on the 99 validation persons too, as is usual (395 persons).
    """
    reading = Reading.begin(LAYOUT, root, "exp", "cam1", "cam3")
    train_ids, validation_ids, test_ids = (_persons(reading, name) for name in _SPLITS)
    if train_ids is None or test_ids is None:
        raise LayoutError(
            f"{LAYOUT.name}: {reading.root / 'exp'} needs train_id and test_id; {advice(LAYOUT)}"
        )
    everything = _images(reading)
    if validation_ids is None:
        validation_ids = _in_both_modalities(everything) - train_ids - test_ids
        reading.problems.append(
            f"no val_id in exp: took the {len(validation_ids)} persons seen in both modalities "
            "that are neither in train nor in test"
        )
    shared = (train_ids | validation_ids) & test_ids
    if shared:
        reading.problems.append(f"{len(shared)} persons are in train and in test, the first is {min(shared)}")
    test = everything.filter(person=test_ids)
    train = everything.filter(person=train_ids)
    validation = everything.filter(person=validation_ids)
    if with_validation:
        train, validation = everything.filter(person=train_ids | validation_ids), Records.empty()
    file = next(
        (p for p in (reading.root / "exp" / _PERMUTATIONS, reading.root / _PERMUTATIONS) if p.is_file()), None
    )
    if draw is Draw.OFFICIAL and file is None:
        raise LayoutError(f"{LAYOUT.name}: the official draw needs {reading.root / 'exp' / _PERMUTATIONS}")
    permutations = None if file is None or draw is Draw.SEEDED else read_permutations(file)
    protocols = sysu_mm01(test.filter(modality=IR), test.filter(modality=RGB), permutations)
    return reading.finish(train, protocols, validation=validation)


def _images(reading: Reading) -> Records:
    """Every image, sorted by camera, person and number."""
    paths: list[str] = []
    rows: list[tuple[int, int]] = []
    strange: list[str] = []
    for camera in CAMERAS:
        folder = reading.root / f"cam{camera}"
        if not folder.is_dir():
            continue
        for name in image_names(folder, deep=True):
            # the parts of the path, not its characters: separators differ between systems
            match = _PATH.fullmatch(Path(f"cam{camera}", name).with_suffix("").as_posix())
            if match is None:
                strange.append(f"cam{camera}/{name}")
                continue
            paths.append(str(folder / name))
            rows.append((camera, int(match["person"])))
    if strange:
        reading.problems.append(
            f"{len(strange)} image names are not understood and were left out, the first is {strange[0]!r}"
        )
    cameras, persons = np.array(rows, np.int64).reshape(-1, 2).T
    modality = np.where(np.isin(cameras, INFRARED_CAMERAS), IR, RGB)
    return Records.from_columns(paths, persons, camera=cameras, modality=modality)


def _persons(reading: Reading, name: str) -> set[int] | None:
    """The persons of a split: one comma-separated line of text, or a MATLAB file; None without either."""
    text, matlab = (reading.root / "exp" / f"{name}{suffix}" for suffix in (".txt", ".mat"))
    if text.is_file():
        return read_persons(text)
    if matlab.is_file():
        persons = read_variable(matlab, "id", "SYSU-MM01's matrix")
        return set(whole_numbers(persons, f"the matrix id in {matlab}").ravel().tolist())
    return None


def _in_both_modalities(records: Records) -> set[int]:
    """Valid persons: seen by at least one visible and one infrared camera (protocols.md, "SYSU-MM01")."""
    seen = [set(records.filter(modality=modality).persons.tolist()) for modality in (RGB, IR)]
    return seen[0] & seen[1]
