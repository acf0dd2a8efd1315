"""CUHK-PEDES, ICFG-PEDES and RSTPReid: a folder `imgs`, and a JSON list of images with their captions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from glimpse.world.captions import LONG_WORDS
from glimpse.world.export.tree import Captions, Files, Image, Options, Tree, Writer, layout_rng, sightings

_TRAINING, _VALIDATION = 0.6, 0.1  # of the people: our choice, the rest is tested
_CAMERAS = 15  # of ICFG-PEDES and RSTPReid: given by the sources (protocols.md, "ICFG-PEDES" and "RSTPReid")
_CUHK_SOURCES = {  # whose images CUHK-PEDES gathers, and as what files
    "cam_a": "png",
    "cam_b": "png",
    "CUHK01": "png",
    "CUHK03": "png",
    "Market": "jpg",
    "test_query": "jpg",
    "train_query": "jpg",
}
_MORE_CAPTIONS = 40  # one image of CUHK-PEDES in so many has a third caption


def plan_cuhk(options: Options) -> Tree:
    """Persons count from 1; a few images have more than two captions."""
    splits = _splits(options.people, validation=True)
    rng = layout_rng(options)
    images: list[Image] = []
    sources = list(_CUHK_SOURCES.items())
    for person, split in enumerate(splits):
        folder, ending = sources[person % len(sources)]
        for camera in sightings(rng, options.images_per_person, 6):
            index = len(images)
            path = f"imgs/{folder}/p{person + 1}_s{index + 1}.{ending}"
            captions = 3 if index % _MORE_CAPTIONS == 0 else 2
            images.append(
                Image((path,), person, camera, index, person + 1, -1, split=split, captions=captions)
            )

    def lists(captions: Captions) -> Files:
        return {"reid_raw.json": _json(_entries(images, captions, tokens=True))}

    return Tree(options.people, 6, tuple(images), _counts(images), lists)


def plan_icfg(options: Options) -> Tree:
    """One caption for each image; MSMT17's folders, which do not tell the split."""
    splits = _splits(options.people, validation=False)
    rng = layout_rng(options)
    images: list[Image] = []
    for person, split in enumerate(splits):
        folder = "train" if person % 2 == 0 else "test"
        for n, camera in enumerate(sightings(rng, options.images_per_person, _CAMERAS)):
            index = len(images)
            hour = ("morning", "noon", "afternoon")[index % 3]
            name = f"{person:04d}_{n:03d}_{camera + 1:02d}_0303{hour}_{index:04d}_0.jpg"
            path = f"imgs/{folder}/{person:04d}/{name}"
            images.append(Image((path,), person, camera, index, person, -1, split=split, captions=1))

    def lists(captions: Captions) -> Files:
        return {"ICFG-PEDES.json": _json(_entries(images, captions, tokens=True))}

    return Tree(options.people, _CAMERAS, tuple(images), _counts(images), lists)


def plan_rstp(options: Options) -> Tree:
    """Each image of a person by another camera; two long captions for each."""
    splits = _splits(options.people, validation=True)
    rng = layout_rng(options)
    images: list[Image] = []
    for person, split in enumerate(splits):
        for n, camera in enumerate(rng.permutation(_CAMERAS)[: options.images_per_person].tolist()):
            path = f"imgs/{person:04d}_c{camera + 1}_{n:04d}.jpg"
            index = len(images)
            images.append(
                Image((path,), person, camera, index, person, -1, split=split, captions=2, words=LONG_WORDS)
            )

    def lists(captions: Captions) -> Files:
        return {"data_captions.json": _json(_entries(images, captions, tokens=False))}

    return Tree(options.people, _CAMERAS, tuple(images), _counts(images), lists)


def _splits(people: int, *, validation: bool) -> list[str]:
    """The split of each person, training first."""
    val = max(1, round(_VALIDATION * people)) if validation else 0
    train = round(_TRAINING * people)
    return ["train"] * train + ["val"] * val + ["test"] * (people - train - val)


def _entries(images: Sequence[Image], captions: Captions, *, tokens: bool) -> list[dict[str, Any]]:
    """The list of images: CUHK-PEDES and ICFG-PEDES give words too, and name the path another way."""
    entries = []
    for image in images:
        texts = captions[image.paths[0]]
        path = image.paths[0].removeprefix("imgs/")
        entry: dict[str, Any] = {"split": image.split, "captions": texts, "id": image.label}
        entry |= {"file_path": path} if tokens else {"img_path": path}
        if tokens:
            entry["processed_tokens"] = [_tokens(text) for text in texts]
        entries.append(entry)
    return entries


def _tokens(caption: str) -> list[str]:
    return re.findall(r"[\w-]+", caption.lower())


def _json(entries: list[dict[str, Any]]) -> bytes:
    return json.dumps(entries, ensure_ascii=False, indent=0).encode() + b"\n"


def _counts(embedded_images: Sequence[Image]) -> dict[str, tuple[int, int]]:
    def images(split: str) -> tuple[int, int]:
        chosen = [p for p in embedded_images if p.split == split]
        return len({p.label for p in chosen}), len(chosen)

    def texts(split: str) -> tuple[int, int]:
        return images(split)[0], sum(p.captions for p in embedded_images if p.split == split)

    counts = {"train rgb": images("train"), "train text": texts("train")}
    for split in ("val", "test"):
        if images(split)[1]:
            counts |= {f"{split} query": texts(split), f"{split} gallery": images(split)}
    return counts


CUHK = Writer(
    "cuhk_pedes",
    plan_cuhk,
    {"tiny": (10, 3), "small": (400, 3), "bench": (1_200, 4), "large": (25_000, 4)},
    fewest_images=1,
    most_people=1_000_000,
)
ICFG = Writer(
    "icfg_pedes",
    plan_icfg,
    {"tiny": (10, 3), "small": (120, 10), "bench": (400, 12), "large": (4_000, 25)},
    fewest_images=1,
)
RSTP = Writer(
    "rstpreid",
    plan_rstp,
    {"tiny": (10, 3), "small": (240, 5), "bench": (900, 5), "large": (20_000, 5)},
    fewest_images=1,
    most_images=_CAMERAS,
    most_people=1_000_000,
)
