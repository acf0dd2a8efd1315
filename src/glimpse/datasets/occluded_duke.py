"""Occluded-Duke: DukeMTMC-reID split anew, as folders or as lists of names.

See protocols.md, "Occluded-Duke".
"""

from __future__ import annotations

from pathlib import Path

from glimpse.datasets import dukemtmc
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import Reading, advice, read_lines
from glimpse.errors import LayoutError
from glimpse.protocols import single_query
from glimpse.records import OCCLUDED, Records

LAYOUT = Layout(
    name="occluded_duke",
    title="Occluded-Duke",
    task="occluded",
    folders=("Occluded_Duke", "Occluded-Duke", "Occluded-DukeMTMC-reID"),
    tree="bounding_box_train, bounding_box_test and query; or train.list, query.list and gallery.list "
    "beside a DukeMTMC-reID folder",
    grants=dukemtmc.WITHDRAWN + "; the lists are public (Miao et al., ICCV 2019)",
    published={
        "train": Count(702, 15_618),
        "test query": Count(519, 2_210),
        "test gallery": Count(1_110, 17_661),
    },
    published_valid={"test": 2_210},
    withdrawn=True,
    rendered=True,
)


def read(root: Path | str, *, images: Path | str | None = None) -> Dataset:
    """Read Occluded-Duke.

    Args:
        root: its folder, or the folder of its lists.
        images: for the lists, where DukeMTMC-reID is; by default beside or around the lists.
    """
    reading = Reading.begin(
        LAYOUT,
        root,
        ("bounding_box_train", "train.list"),
        ("bounding_box_test", "gallery.list"),
        ("query", "query.list"),
    )
    if images is not None or not (reading.root / "bounding_box_train").is_dir():
        train, query, gallery = _from_lists(reading, images)
    else:
        train, query, gallery = (
            reading.parse(reading.folder(name), dukemtmc.NAME, row=dukemtmc.duke_row)
            for name in ("bounding_box_train", "query", "bounding_box_test")
        )
    query = query.with_columns(kind=OCCLUDED)  # every query is occluded, a tenth of the gallery too
    reading.check_closed(train, query, gallery)
    strangers = set(query.persons.tolist()) - set(gallery.persons.tolist())
    if strangers:
        reading.problems.append(
            f"{len(strangers)} query persons are not in the gallery, the first is {min(strangers)}"
        )
    return reading.finish(train, [single_query(query, gallery, trained_on=LAYOUT.name)])


def _from_lists(reading: Reading, images: Path | str | None) -> tuple[Records, Records, Records]:
    """The three lists over DukeMTMC-reID's folders; a query is looked up in `query`, then in the gallery."""
    duke = _duke_folder(reading, images)
    places = {
        "train.list": ("bounding_box_train",),
        "query.list": ("query", "bounding_box_test"),
        "gallery.list": ("bounding_box_test",),
    }
    train, query, gallery = (
        _listed(reading, reading.root / listed, [duke / place for place in folders])
        for listed, folders in places.items()
    )
    return train, query, gallery


def _listed(reading: Reading, path: Path, folders: list[Path]) -> Records:
    names = read_lines(path)
    if len(set(names)) != len(names):
        raise LayoutError(f"{path} names {len(names) - len(set(names))} images twice")
    home = {name: next((f for f in folders if (f / name).is_file()), None) for name in names}
    missing = [name for name, folder in home.items() if folder is None]
    if missing:
        raise LayoutError(
            f"{len(missing)} of the {len(names)} images in {path} are missing from "
            f"{' and '.join(map(str, folders))}, the first is {missing[0]}"
        )
    tables = [
        reading.parse(
            folder,
            dukemtmc.NAME,
            row=dukemtmc.duke_row,
            among=[name for name, place in home.items() if place == folder],
        )
        for folder in folders
    ]
    return Records.concat(tables)


def _duke_folder(reading: Reading, images: Path | str | None) -> Path:
    around = [reading.root, reading.root.parent] if images is None else [Path(images)]
    places = [place / name for place in around for name in (".", *dukemtmc.LAYOUT.folders)]
    for place in places:
        if (place / "bounding_box_test").is_dir() and (place / "query").is_dir():
            return place
    raise LayoutError(
        f"{LAYOUT.name}: the lists are in {reading.root}, but no DukeMTMC-reID with bounding_box_test "
        f"and query in {' nor in '.join(map(str, around))}; {advice(dukemtmc.LAYOUT)}"
    )
