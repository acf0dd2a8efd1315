"""The published protocols, each from the rows of its data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glimpse.protocols.draws import TRIALS, Permutations, official_draw, seeded_draw
from glimpse.protocols.exclusion import nothing, same_image, same_person_and_camera, same_sysu_location
from glimpse.protocols.protocol import Cmc, Protocol, SingleShot, Trial
from glimpse.records import NO_CAMERA, TEXT, IntArray, Records

SYSU_SEARCHES = {"all": (1, 2, 4, 5), "indoor": (1, 2)}
"""Gallery cameras by the name of the search: given (protocols.md, "SYSU-MM01")."""
SYSU_SHOTS = {"single": 1, "multi": 10}
"""Gallery images per person and camera: given (protocols.md, "SYSU-MM01")."""


def single_query(query: Records, gallery: Records, *, name: str = "test", trained_on: str = "") -> Protocol:
    """Market-1501's protocol: single query; gallery images of the query's person and camera do not count."""
    return Protocol(name, query, gallery, same_person_and_camera, trained_on=trained_on)


def without_cameras(
    query: Records, gallery: Records, *, name: str = "test", trained_on: str = "", note: str = ""
) -> Protocol:
    """A protocol without an exclusion rule: every gallery row counts."""
    return Protocol(name, query, gallery, nothing, trained_on=trained_on, note=note)


def one_against_rest(records: Records, *, name: str = "one-against-rest") -> Protocol:
    """Every image is a query against all the others: for a folder that has no split of its own.

    Where every camera is known, Market's rule also leaves out the same person in the same camera.
    """
    known = len(records) > 0 and not bool(np.any(records.camera == NO_CAMERA))
    rule = same_person_and_camera if known else same_image
    return Protocol(
        name, records, records, rule, note="no split of its own: honest only for a model trained elsewhere"
    )


def sysu_mm01(infrared: Records, visible: Records, permutations: Permutations | None) -> tuple[Protocol, ...]:
    """SYSU-MM01: all-search and indoor, single- and multi-shot, ten trials each.

    Args:
        infrared: test rows of cameras 3 and 6; all of them are queries.
        visible: test rows of the visible cameras, sorted by path within person and camera.
        permutations: the official draw; None takes AGW's seeded draw, whose numbers differ slightly.
    """
    draw = "official permutations" if permutations is not None else "AGW's seeded draw"
    protocols = []
    for search, cameras in SYSU_SEARCHES.items():
        for shot, count in SYSU_SHOTS.items():
            galleries = [
                seeded_draw(visible, cameras, count, trial)
                if permutations is None
                else official_draw(visible, cameras, count, trial, permutations)
                for trial in range(TRIALS)
            ]
            protocols.append(
                Protocol(
                    f"{search}-{shot}",
                    infrared,
                    visible,
                    same_sysu_location,
                    trials=_trials(len(infrared), galleries),
                    cmc=Cmc.IDENTITIES,
                    trained_on="sysu_mm01",
                    note=f"gallery by {draw}",
                )
            )
    return tuple(protocols)


def llcm(visible: Records, infrared: Records) -> tuple[Protocol, ...]:
    """LLCM in both directions, ten trials each.

    All images of one modality are queries; the gallery is one drawn image per person and camera of the other.
    Read in the authors' code: the draw is seeded with the trial, Market's rule applies, and a rank
    counts identities.
    """
    protocols = []
    for name, query, gallery in (
        ("infrared-to-visible", infrared, visible),
        ("visible-to-infrared", visible, infrared),
    ):
        galleries = [seeded_draw(gallery, gallery.cameras.tolist(), 1, trial) for trial in range(TRIALS)]
        protocols.append(
            Protocol(
                name,
                query,
                gallery,
                same_person_and_camera,
                trials=_trials(len(query), galleries),
                cmc=Cmc.IDENTITIES,
                trained_on="llcm",
            )
        )
    return tuple(protocols)


def both_directions(visible: Records, thermal: Records, *, trained_on: str) -> tuple[Protocol, ...]:
    """RegDB: visible to thermal and thermal to visible; nothing is left out (protocols.md, "RegDB")."""
    return (
        without_cameras(visible, thermal, name="visible-to-thermal", trained_on=trained_on),
        without_cameras(thermal, visible, name="thermal-to-visible", trained_on=trained_on),
    )


def text_to_image(
    captions: Records,
    images: Records,
    *,
    name: str,
    trained_on: str,
    exclude_matching_image: bool = False,
) -> Protocol:
    """Every caption is a query against all images of its split; every image of its person is a match.

    See protocols.md, "Text to image".

    Args:
        captions: rows of modality `text`.
        images: each image once.
        name: `val` or `test`.
        trained_on: the layout.
        exclude_matching_image: LGUR's option: the image that the caption was written for does not count.
    """
    rule = same_image if exclude_matching_image else nothing
    note = "the caption's own image does not count" if exclude_matching_image else ""
    query = captions.filter(modality=TEXT)
    return Protocol(name, query, images, rule, trained_on=trained_on, note=note)


def single_shot(
    query: Records, gallery: Records, *, name: str = "single-shot", repeats: int = 10, seed: int = 0
) -> Protocol:
    """CUHK03-style sampling on any set with cameras: one drawn gallery image per person and query."""
    return Protocol(
        name,
        query,
        gallery,
        same_person_and_camera,
        single_shot=SingleShot(repeats, seed),
        note=f"one gallery image per person, drawn {repeats} times with seed {seed}",
    )


def _trials(queries: int, galleries: Sequence[IntArray]) -> tuple[Trial, ...]:
    return tuple(Trial(np.arange(queries), gallery) for gallery in galleries)
