"""Validation without the test set: persons that are set aside, and what a network scores on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from torch import nn

from glimpse.errors import OptionError
from glimpse.evaluation import evaluate
from glimpse.evaluation.masks import mask_measures
from glimpse.methods.embedding import embed_rows
from glimpse.models.card import NetworkCard
from glimpse.models.factory import similarity_of
from glimpse.protocols import Protocol, one_against_rest, single_query
from glimpse.records import NO_CAMERA, Records
from glimpse.runtime import preserved_threads
from glimpse.training.batches import PixelSource
from glimpse.training.stages import Method


@dataclass(frozen=True, eq=False)
class Validation:
    """Rank-1 and mean average precision of a method's network on validation rows.

    Attributes:
        card: of the network.
        records: N rows, an image each.
        pixels: theirs.
        protocol: its queries and its gallery are among the rows.
    """

    card: NetworkCard
    records: Records
    pixels: PixelSource
    protocol: Protocol

    def __call__(self, method: Method) -> Mapping[str, float]:
        """Shares from 0 to 1, by the names `rank1` and `map`; with masks also what `mask_measures` tells."""
        found = embed_rows(cast("nn.Module", method.network), self.card, self.pixels, self.records)
        place = {path: row for row, path in enumerate(self.records.path.tolist())}
        query, gallery = (
            found[[place[path] for path in part.path.tolist()]]
            for part in (self.protocol.query, self.protocol.gallery)
        )
        with preserved_threads():
            result = evaluate((query, gallery), self.protocol, similarity=similarity_of(self.card))
            measures = {"rank1": result.rank_k(1), "map": result.mean_ap}
            return measures | mask_measures(query, gallery, self.protocol, measures)


def split_persons(records: Records, share: float, seed: int) -> tuple[Records, Records]:
    """Training rows and validation rows, which have no person in common.

    Args:
        records: rows to divide; junk and distractors are in neither part.
        share: of the persons that are set aside; at least one is if it is above 0.
        seed: of the choice.
    """
    if not 0 <= share < 1:
        raise OptionError(f"the share of validation persons must lie in 0..1, 1 excluded, got {share}")
    persons = records.persons
    count = max(1, round(share * len(persons))) if share else 0
    if count >= len(persons):
        raise OptionError(f"{len(persons)} persons cannot be divided into training and validation")
    aside = np.random.default_rng(seed).choice(persons, count, replace=False)
    return records.filter(person=np.setdiff1d(persons, aside)), records.filter(person=aside)


def validation_protocol(records: Records, seed: int) -> Protocol:
    """Market-1501's protocol where cameras allow it, else every image against the rest.

    With cameras: one drawn image of each person and camera asks, and finds the person's images in the
    other cameras; so at least one person must have been seen by two.
    """
    cameras = records.camera
    pairs = np.unique(np.stack([records.person, cameras]), axis=1)
    across = len(np.unique(pairs[0])) < pairs.shape[1]
    if not across or bool(np.any(cameras == NO_CAMERA)):
        # without another camera to be found in, images of one camera must count
        return one_against_rest(records.with_columns(camera=NO_CAMERA), name="validation")
    order = np.random.default_rng(seed).permutation(len(records))
    _, first = np.unique(np.stack([records.person, cameras])[:, order], axis=1, return_index=True)
    return single_query(records[np.sort(order[first])], records, name="validation")
