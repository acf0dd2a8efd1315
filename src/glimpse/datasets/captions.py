"""The caption data sets: their JSON of images, persons, splits and captions as records and protocols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from glimpse.datasets.dataset import Dataset
from glimpse.datasets.reading import Reading
from glimpse.errors import LayoutError, StorageError
from glimpse.files import read_json
from glimpse.protocols import text_to_image
from glimpse.records import TEXT, Records

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Entry:
    """One captioned image.

    Attributes:
        person: the number printed in the file; some sets count from 0, some from 1.
        path: relative to the folder `imgs`.
        captions: one or more sentences.
        split: one of `SPLITS`.
    """

    person: int
    path: str
    captions: tuple[str, ...]
    split: str


def read_entries(path: Path) -> list[Entry]:
    """Parse the file, sorted by image; an error names the entry and the key.

    The image stands under `file_path` (CUHK-PEDES, ICFG-PEDES) or `img_path` (RSTPReid).
    """
    try:
        table = read_json(path, "captions")
    except StorageError as wrong:
        raise LayoutError(str(wrong)) from wrong
    if not isinstance(table, list):
        raise LayoutError(f"{path} must hold a list of images, got {type(table).__name__}")
    entries = [_entry(item, f"{path}, entry {number}") for number, item in enumerate(table)]
    entries.sort(key=lambda entry: entry.path)
    for before, after in pairwise(entries):
        if before.path == after.path:
            raise LayoutError(f"{path} lists the image {after.path} twice")
    return entries


def image_rows(entries: Iterable[Entry], folder: Path) -> Records:
    """A row per image."""
    chosen = list(entries)
    return Records.from_columns([str(folder / e.path) for e in chosen], _persons(chosen))


def caption_rows(entries: Iterable[Entry], folder: Path) -> Records:
    """A row per caption, in the order of the file; its path is its image's."""
    pairs = [(entry, caption) for entry in entries for caption in entry.captions]
    return Records.from_columns(
        [str(folder / entry.path) for entry, _ in pairs],
        _persons([entry for entry, _ in pairs]),
        modality=TEXT,
        caption=[caption for _, caption in pairs],
    )


def _persons(entries: list[Entry]) -> list[int]:
    return [entry.person for entry in entries]


def _entry(item: object, where: str) -> Entry:
    if not isinstance(item, dict):
        raise LayoutError(f"{where} must be an object, got {type(item).__name__}")
    person, split, captions = item.get("id"), item.get("split"), item.get("captions")
    path = item.get("file_path", item.get("img_path"))
    if split not in SPLITS:
        raise LayoutError(f"{where}: split must be train, val or test, got {split!r}")
    if not isinstance(path, str) or not path:
        raise LayoutError(f"{where}: expected an image under file_path or img_path, got {path!r}")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise LayoutError(f"{where}: the image {path!r} lies outside the data set")
    if type(person) is not int or person < 0:
        raise LayoutError(f"{where}: id must be a whole number from 0, got {person!r}")
    if isinstance(captions, str):
        captions = [captions]
    if not isinstance(captions, list) or not captions:
        raise LayoutError(f"{where}: expected a list of captions, got {captions!r}")
    for caption in captions:
        if not isinstance(caption, str) or not caption.strip():
            raise LayoutError(f"{where}: a caption must be a sentence, got {caption!r}")
    return Entry(person, str(Path(path)), tuple(captions), split)


def caption_set(reading: Reading, entries: Sequence[Entry], *, exclude_matching_image: bool) -> Dataset:
    """The data set of these entries. Models are chosen on `val` where there is one, never on `test`.

    Training rows are the images and then the captions, which share the image's path.
    """
    folder = reading.root / "imgs"
    by_split = {name: [e for e in entries if e.split == name] for name in ("train", "val", "test")}
    tables = {
        name: (caption_rows(chosen, folder), image_rows(chosen, folder)) for name, chosen in by_split.items()
    }
    for name, (_, images) in tables.items():
        reading.require_images(images, f"the {name} split")
    train = Records.concat([tables["train"][1], tables["train"][0]])
    reading.check_closed(train, tables["val"][1], tables["test"][1])
    protocols = [
        text_to_image(
            captions,
            images,
            name=name,
            trained_on=reading.layout.name,
            exclude_matching_image=exclude_matching_image,
        )
        for name, (captions, images) in tables.items()
        if name == "test" or (name == "val" and len(images))
    ]
    protocols.sort(key=lambda protocol: protocol.name)  # test first: it is what is meant when none is named
    return reading.finish(train, protocols, selection="val" if by_split["val"] else None)
