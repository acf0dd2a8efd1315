"""ICFG-PEDES (protocols.md, "ICFG-PEDES")."""

from __future__ import annotations

from pathlib import Path

from glimpse.datasets.captions import caption_set, read_entries
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading

_FILES = ("ICFG-PEDES.json", "ICFG_PEDES.json")

LAYOUT = Layout(
    name="icfg_pedes",
    title="ICFG-PEDES",
    task="text",
    folders=("ICFG-PEDES", "ICFG_PEDES", "ICFG_PEDES/ICFG-PEDES"),
    tree="imgs and ICFG-PEDES.json",
    grants="its authors (Ding et al., 2021) send it on request, MSMT17's agreement included",
    published={
        "train rgb": Count(3_102, 34_674),
        "train text": Count(3_102, 34_674),
        "test query": Count(1_000, 19_848),
        "test gallery": Count(1_000, 19_848),
    },
    rendered=True,
)


def read(root: Path | str, *, exclude_matching_image: bool = False) -> Dataset:
    """Read ICFG-PEDES.

    The folders `imgs/train` and `imgs/test` are MSMT17's and say nothing about the split, which the
    JSON alone gives. There is no validation split.
    """
    reading = Reading.begin(LAYOUT, root, "imgs", _FILES)
    path = next(reading.root / name for name in _FILES if (reading.root / name).exists())
    return caption_set(reading, read_entries(path), exclude_matching_image=exclude_matching_image)
