"""Small protocols and scores to measure on."""

import numpy as np

from glimpse.protocols import Cmc, Protocol, Trial, nothing, same_person_and_camera, same_sysu_location
from glimpse.records import DISTRACTOR, JUNK, Records

RULES = {"market": same_person_and_camera, "none": nothing, "sysu": same_sysu_location}


def records(rng, rows, persons, cameras=4, prefix="g", strangers=True):
    person = rng.integers(0, persons, rows)
    if strangers and rows:
        person[rng.random(rows) < 0.1] = DISTRACTOR
        person[rng.random(rows) < 0.1] = JUNK
    paths = [f"{prefix}{number:05d}" for number in rng.permutation(rows)]
    return Records.from_columns(paths, person, camera=rng.integers(1, cameras + 1, rows))


def protocol(rng, queries=12, gallery=60, persons=6, rule="market", cmc=Cmc.IMAGES, trials=1):
    query = records(rng, queries, persons, prefix="q", strangers=False)
    searched = records(rng, gallery, persons)
    chosen = tuple(
        Trial(rng.permutation(queries), rng.permutation(gallery)[: max(1, gallery * 2 // 3)])
        for _ in range(trials if trials > 1 else 0)
    )
    return Protocol("random", query, searched, RULES[rule], trials=chosen, cmc=cmc)


def scores(rng, protocol, kind="random", dtype=np.float32):
    """A score matrix: all different, heavily tied, all equal, or with infinities."""
    shape = (len(protocol.query), len(protocol.gallery))
    values = rng.standard_normal(shape)
    if kind == "tied":
        values = np.round(values)
    elif kind == "constant":
        values = np.zeros(shape)
    elif kind == "infinite":
        values = np.where(rng.random(shape) < 0.4, -np.inf, np.round(values))
        values[rng.random(shape) < 0.1] = np.inf
    return values.astype(dtype)
