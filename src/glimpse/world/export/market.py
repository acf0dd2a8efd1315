"""Market-1501 and Occluded-Duke: training and gallery folders, a query folder, cameras in the names."""

from __future__ import annotations

from glimpse.records import DISTRACTOR, JUNK
from glimpse.world.export.tree import Image, Options, Tree, Writer, counted, layout_rng, sightings
from glimpse.world.frame import Kind

TRAIN, QUERY, GALLERY = "bounding_box_train/", "query/", "bounding_box_test/"

# Shares are of the real sets (protocols.md, "Market-1501" and "Occluded-Duke"), rounded.
_DISTRACTING = 0.15  # people who are only distractors, for each test person
_OCCLUDED_IN_TRAINING = 0.09
_OCCLUDED_IN_GALLERY = 0.10
_WITH_QUERIES = 2 / 3  # of Occluded-Duke's test persons; the others are only in the gallery
_ALSO_IN_GALLERY = 0.85  # of Occluded-Duke's queries
_QUERIES = 4  # at most, of one person in Occluded-Duke


def plan_market(options: Options) -> Tree:
    """One query for each person and camera, as in the real set; junk and distractors in the gallery."""
    rng = layout_rng(options)
    training = options.people // 2
    distracting = max(1, round(_DISTRACTING * (options.people - training)))
    images: list[Image] = []

    def add(folder: str, printed: str, label: int, person: int, camera: int, kind: Kind = "whole") -> None:
        index = len(images)
        name = f"{printed}_c{camera + 1}s{1 + index % 6}_{index + 1:06d}_{1 + index % 3:02d}.jpg"
        split = "train" if folder == TRAIN else "test"
        images.append(
            Image((folder + name,), person, camera, index, label, camera + 1, kind=kind, split=split)
        )

    for person in range(options.people + distracting):
        cameras = sightings(rng, options.images_per_person, 6)
        label = person + 1
        for place, camera in enumerate(cameras):
            if person >= options.people:
                add(GALLERY, "0000", DISTRACTOR, person, camera)
            elif person < training:
                add(TRAIN, f"{label:04d}", label, person, camera)
            else:
                is_query = camera not in cameras[:place]
                add(QUERY if is_query else GALLERY, f"{label:04d}", label, person, camera)
        if training <= person < options.people:  # a box that missed the person, as detectors make them
            add(GALLERY, "-1", JUNK, person, cameras[0], kind="partial")
    gallery = [p for p in images if p.label != JUNK]
    counts = {
        "train": counted(images, TRAIN),
        "test query": counted(images, QUERY),
        "test gallery": counted(gallery, GALLERY),
    }
    return Tree(options.people + distracting, 6, tuple(images), counts)


def plan_occluded_duke(options: Options) -> Tree:
    """Occluded queries, most of which stand in the gallery too, where the camera rule leaves them out."""
    rng = layout_rng(options)
    training = options.people // 2
    with_queries = training + max(1, round(_WITH_QUERIES * (options.people - training)))
    images: list[Image] = []
    for person in range(options.people):
        cameras = sightings(rng, options.images_per_person, 8)
        queries = 0
        for place, camera in enumerate(cameras):
            index = len(images)
            name = f"{person + 1:04d}_c{camera + 1}_f{index:07d}.jpg"
            first_there = camera not in cameras[:place]
            is_query = training <= person < with_queries and first_there and queries < _QUERIES
            queries += is_query
            share = _OCCLUDED_IN_TRAINING if person < training else _OCCLUDED_IN_GALLERY
            occluded = bool(rng.random() < share) or is_query
            twice = bool(rng.random() < _ALSO_IN_GALLERY)
            folders: tuple[str, ...] = (TRAIN,) if person < training else (GALLERY,)
            if is_query:
                folders = (QUERY, GALLERY) if twice else (QUERY,)
            images.append(
                Image(
                    tuple(folder + name for folder in folders),
                    person,
                    camera,
                    index,
                    person + 1,
                    camera + 1,
                    kind="occluded" if occluded else "whole",
                    split="train" if person < training else "test",
                )
            )
    counts = {
        "train": counted(images, TRAIN),
        "test query": counted(images, QUERY),
        "test gallery": counted(images, GALLERY),
    }
    return Tree(options.people, 8, tuple(images), counts)


_SCALES = {"tiny": (12, 6), "small": (120, 12), "bench": (300, 16), "large": (2_500, 40)}

MARKET = Writer("market1501", plan_market, _SCALES, fewest_images=4)
OCCLUDED_DUKE = Writer("occluded_duke", plan_occluded_duke, _SCALES, fewest_images=4)
