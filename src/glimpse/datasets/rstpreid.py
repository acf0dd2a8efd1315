"""RSTPReid (protocols.md, "RSTPReid")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from glimpse.datasets.captions import SPLITS, Entry, caption_set, read_entries
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading
from glimpse.errors import LayoutError

LAYOUT = Layout(
    name="rstpreid",
    title="RSTPReid",
    task="text",
    folders=("RSTPReid", "RSTPReid-Dataset", "rstpreid"),
    tree="imgs with names like 0000_c14_0031.jpg, and data_captions.json",
    grants="its authors (Zhu et al., ACM MM 2021) send it on request",
    published={
        "train rgb": Count(3_701, 18_505),
        "train text": Count(3_701, 37_010),
        "val query": Count(200, 2_000),
        "val gallery": Count(200, 1_000),
        "test query": Count(200, 2_000),
        "test gallery": Count(200, 1_000),
    },
    rendered=True,
)

OBSOLETE_PERSONS = {"train": 3_901, "val": 100, "test": 100}
"""Of the first release, which its owners ask everybody to replace."""


def read(root: Path | str, *, exclude_matching_image: bool = False) -> Dataset:
    """Read RSTPReid; the obsolete split of its first release is refused."""
    reading = Reading.begin(LAYOUT, root, "imgs", "data_captions.json")
    entries = read_entries(reading.root / "data_captions.json")
    refuse_obsolete_split(entries, reading.root / "data_captions.json")
    return caption_set(reading, entries, exclude_matching_image=exclude_matching_image)


def refuse_obsolete_split(entries: Sequence[Entry], path: Path) -> None:
    """Raise if these are the 3,901 / 100 / 100 persons of the first release."""
    persons = {split: len({e.person for e in entries if e.split == split}) for split in SPLITS}
    if persons == OBSOLETE_PERSONS:
        raise LayoutError(
            f"{path} is the obsolete split (3,901 / 100 / 100 persons); its owners ask to download the "
            "current one with 3,701 / 200 / 200, and no current result can be compared with it"
        )
