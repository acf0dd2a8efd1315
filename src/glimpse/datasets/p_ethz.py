"""P-ETHZ over ten seeded splits (protocols.md, "P-ETHZ")."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from glimpse.datasets.counts import count, differences
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, person_row
from glimpse.errors import OptionError
from glimpse.protocols import without_cameras
from glimpse.records import OCCLUDED, WHOLE, Records

LAYOUT = Layout(
    name="p_ethz",
    title="P-ETHZ",
    task="occluded",
    folders=("P_ETHZ", "P-ETHZ", "PETHZ"),
    tree="occluded_body_images and whole_body_images with names like 001/001_01.png",
    grants="its authors (Zhuo et al., ICME 2018) give it for research",
    published={"both kinds": Count(85, 3_897)},  # there is no official split that parts could be counted of
    splits=tuple(range(10)),
)

_NAME = re.compile(r"(?P<person>\d+)_.+")


def read(root: Path | str, *, split: int = 0) -> Dataset:
    """Read P-ETHZ.

    Args:
        root: its folder.
        split: 0 to 9, the seed that halves the persons (our choice, as no official split exists);
            43 of the 85 are trained on, 42 tested. Results are the mean over all ten.
    """
    if split not in LAYOUT.splits:
        raise OptionError(f"{LAYOUT.name} has the splits 0 to {LAYOUT.splits[-1]}, got {split}")
    reading = Reading.begin(LAYOUT, root, "occluded_body_images", "whole_body_images")
    occluded, whole = (
        reading.parse(reading.folder(f"{kind}_body_images"), _NAME, row=person_row(kind=kind), deep=True)
        for kind in (OCCLUDED, WHOLE)
    )
    everything = Records.concat([whole, occluded])
    reading.problems += differences({"both kinds": count(everything)}, LAYOUT.published)
    shuffled = np.random.default_rng(split).permutation(everything.persons)
    half = (len(shuffled) + 1) // 2
    train, test = everything.filter(person=shuffled[:half].tolist()), shuffled[half:].tolist()
    protocol = without_cameras(
        occluded.filter(person=test),
        whole.filter(person=test),
        trained_on=LAYOUT.name,
        note=f"seeded split {split} of {len(LAYOUT.splits)}",
    )
    return reading.finish(train, [protocol])
