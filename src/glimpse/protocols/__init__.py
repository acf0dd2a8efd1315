"""Queries, gallery and which matches count: the published protocols as data."""

from glimpse.protocols.draws import TRIALS, official_draw, read_permutations, seeded_draw
from glimpse.protocols.exclusion import nothing, same_image, same_person_and_camera, same_sysu_location
from glimpse.protocols.protocol import Cmc, Comparison, Protocol, SingleShot, Trial, Validity, whole_trial
from glimpse.protocols.published import (
    both_directions,
    llcm,
    one_against_rest,
    single_query,
    single_shot,
    sysu_mm01,
    text_to_image,
    without_cameras,
)

__all__ = [
    "TRIALS",
    "Cmc",
    "Comparison",
    "Protocol",
    "SingleShot",
    "Trial",
    "Validity",
    "both_directions",
    "llcm",
    "nothing",
    "official_draw",
    "one_against_rest",
    "read_permutations",
    "same_image",
    "same_person_and_camera",
    "same_sysu_location",
    "seeded_draw",
    "single_query",
    "single_shot",
    "sysu_mm01",
    "text_to_image",
    "whole_trial",
    "without_cameras",
]
