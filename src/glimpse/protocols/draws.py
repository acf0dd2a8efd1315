"""Gallery sampling of SYSU-MM01 and LLCM: some images of each person and camera, per trial."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from glimpse.errors import LayoutError
from glimpse.protocols.matlab import read_variable, whole_numbers
from glimpse.records import IntArray, Records

TRIALS = 10
"""Given by the sources for SYSU-MM01, RegDB and LLCM (protocols.md, "SYSU-MM01" and "RegDB")."""

Permutations = Mapping[tuple[int, int], IntArray]
"""For a camera and a person, [trials, images] of 1-based places in the sorted images."""


def seeded_draw(gallery: Records, cameras: Sequence[int], shots: int, trial: int) -> IntArray:
    """AGW's draw: Python's own generator seeded with the trial, person by person, camera by camera.

    One shot is `choice` as in the published code; more are `sample`, for which no public code
    exists (protocols.md, "SYSU-MM01"). A camera that saw a person less often gives all it has.

    Args:
        gallery: [G] rows sorted by path within each person and camera.
        cameras: in the order in which they are visited.
        shots: images per person and camera.
        trial: counted from 0.

    Returns:
        Row numbers of the drawn images, in the order of drawing.
    """
    generator = random.Random(trial)
    drawn: list[int] = []
    for rows in _by_person_and_camera(gallery, cameras).values():
        drawn += [generator.choice(rows)] if shots == 1 else generator.sample(rows, min(shots, len(rows)))
    return np.array(drawn, np.int64)


def official_draw(
    gallery: Records, cameras: Sequence[int], shots: int, trial: int, permutations: Permutations
) -> IntArray:
    """SYSU-MM01's draw: the first `shots` places of the permutation published for camera and person."""
    drawn: list[int] = []
    for (person, camera), rows in _by_person_and_camera(gallery, cameras).items():
        order = permutations.get((camera, person))
        if order is None or order.shape[1] != len(rows) or trial >= len(order):
            got = "none" if order is None else f"{list(order.shape)}"
            raise LayoutError(
                f"the permutations for camera {camera}, person {person} must be [>{trial}, {len(rows)}] "
                f"as there are {len(rows)} images, got {got}"
            )
        drawn += [rows[place - 1] for place in order[trial, :shots].tolist()]
    return np.array(drawn, np.int64)


def read_permutations(path: Path) -> Permutations:
    """Read SYSU-MM01's `rand_perm_cam.mat`: a cell per camera, holding a cell per person."""
    cells = read_variable(path, "rand_perm_cam", "SYSU-MM01's cell array").ravel()
    permutations: dict[tuple[int, int], IntArray] = {}
    for camera, persons in enumerate(cells, start=1):
        for person, cell in enumerate(np.asarray(persons, dtype=object).ravel(), start=1):
            order = _unwrapped(cell)
            if order is None:
                continue
            if not np.array_equal(
                np.sort(order, axis=1), np.tile(np.arange(1, order.shape[1] + 1), (len(order), 1))
            ):
                raise LayoutError(f"{path}: camera {camera}, person {person} holds no permutations")
            permutations[camera, person] = order
    return permutations


def _unwrapped(cell: object) -> IntArray | None:
    """The matrix inside MATLAB's nested cells; None where a camera did not see the person."""
    array = np.asarray(cell)
    while array.dtype == object and array.size == 1:
        array = np.asarray(array.ravel()[0])
    if array.size == 0:
        return None
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise LayoutError(
            f"a cell of rand_perm_cam must be a matrix of numbers, got {array.dtype} {array.shape}"
        )
    return whole_numbers(array, "a cell of rand_perm_cam")


def _by_person_and_camera(gallery: Records, cameras: Sequence[int]) -> dict[tuple[int, int], list[int]]:
    """Row numbers by person (ascending) and camera (in the given order); absent pairs are left out."""
    rows: dict[tuple[int, int], list[int]] = {}
    for row, (person, camera) in enumerate(
        zip(gallery.person.tolist(), gallery.camera.tolist(), strict=True)
    ):
        rows.setdefault((person, camera), []).append(row)
    return {
        (person, camera): rows[person, camera]
        for person in gallery.persons.tolist()
        for camera in cameras
        if (person, camera) in rows
    }
