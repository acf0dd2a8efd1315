"""CUHK-PEDES (protocols.md, "CUHK-PEDES")."""

from __future__ import annotations

from pathlib import Path

from glimpse.datasets.captions import caption_set, read_entries
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading
from glimpse.errors import LayoutError

_FILES = ("reid_raw.json", "captions.json")
_WITHOUT_SPLITS = "caption_all.json"

LAYOUT = Layout(
    name="cuhk_pedes",
    title="CUHK-PEDES",
    task="text",
    folders=("CUHK-PEDES", "CUHK_PEDES", "cuhk_pedes"),
    tree="imgs and reid_raw.json (or captions.json)",
    grants="its authors (Li et al., CVPR 2017) send it on request",
    published={
        "train rgb": Count(11_003, 34_054),
        "train text": Count(11_003, 68_126),
        "val query": Count(1_000, 6_158),
        "val gallery": Count(1_000, 3_078),
        "test query": Count(1_000, 6_156),
        "test gallery": Count(1_000, 3_074),
    },
    rendered=True,
)

LGUR_DROPPED = frozenset({1369, 4116, 6116})
"""Training persons with a single image, which LGUR's preparation leaves out: read in the authors' code."""


def read(root: Path | str, *, as_lgur: bool = False, exclude_matching_image: bool = False) -> Dataset:
    """Read CUHK-PEDES.

    Args:
        root: its folder.
        as_lgur: leave out three training persons as LGUR does: 11,000 persons and 68,120 captions.
        exclude_matching_image: LGUR's option of not counting the image that a caption was written for.
    """
    reading = Reading.begin(LAYOUT, root, "imgs", (*_FILES, _WITHOUT_SPLITS))
    path = next((reading.root / name for name in _FILES if (reading.root / name).exists()), None)
    if path is None:
        raise LayoutError(
            f"{LAYOUT.name}: {reading.root / _WITHOUT_SPLITS} gives captions without splits; needed is "
            f"{_FILES[0]}, which names the split of each image and comes with the images"
        )
    entries = read_entries(path)
    if as_lgur:
        entries = [e for e in entries if not (e.split == "train" and e.person in LGUR_DROPPED)]
        reading.problems.append("three training persons were left out as LGUR does, as asked")
    return caption_set(reading, entries, exclude_matching_image=exclude_matching_image)
