"""What the three caption sets have in common: `imgs`, one JSON, text asks for images."""

from __future__ import annotations

from collections.abc import Sequence

from glimpse.datasets.captions import Entry, caption_rows, image_rows
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.reading import Reading
from glimpse.protocols import text_to_image
from glimpse.records import Records


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
