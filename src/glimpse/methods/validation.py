"""Choosing a model without the test set, with the data set's own kind of queries and gallery.

The rows are what the data set sets aside for it (`Dataset.model_selection`), or some of the training persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from torch import nn

from glimpse.errors import OptionError
from glimpse.evaluation import evaluate
from glimpse.evaluation.masks import mask_measures
from glimpse.methods.embedding import embed_captions, embed_rows
from glimpse.models.card import NetworkCard
from glimpse.models.factory import similarity_of
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.protocols import Protocol, one_against_rest, single_query, text_to_image, without_cameras
from glimpse.records import IR, NO_CAMERA, RGB, TEXT, BoolArray, Records
from glimpse.runtime import preserved_threads
from glimpse.training.batches import PixelSource
from glimpse.training.stages import Method

_NAME = "validation"


@dataclass(frozen=True, eq=False)
class Validation:
    """Rank-1 and mean average precision of a method's network on validation rows.

    Attributes:
        card: of the network.
        records: N rows, an image each.
        pixels: theirs.
        protocol: its images are among the rows; its queries or its gallery may be captions.
        tokenizer: of the network, if there are captions.
    """

    card: NetworkCard
    records: Records
    pixels: PixelSource
    protocol: Protocol
    tokenizer: Tokenizer | None = None

    def __call__(self, method: Method) -> Mapping[str, float]:
        """Shares from 0 to 1, by the names `rank1` and `map`; with masks also what `mask_measures` tells."""
        network = cast("nn.Module", method.network)
        found = embed_rows(network, self.card, self.pixels, self.records)
        place = {path: row for row, path in enumerate(self.records.path.tolist())}
        query, gallery = (
            embed_captions(network, self.tokenizer, part.caption.tolist())
            if self.tokenizer is not None and has_text(part)
            else found[[place[path] for path in part.path.tolist()]]
            for part in (self.protocol.query, self.protocol.gallery)
        )
        with preserved_threads():
            result = evaluate((query, gallery), self.protocol, similarity=similarity_of(self.card))
            measures = {"rank1": result.rank_k(1), "map": result.mean_ap}
            return measures | mask_measures(query, gallery, self.protocol, measures)


def split_persons(records: Records, share: float, seed: int) -> tuple[Records, Records]:
    """Training rows and validation rows, which have no person in common, in whatever modality.

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


def validation_protocol(
    records: Records, seed: int, like: Protocol | None = None, *, texts: bool = False
) -> Protocol:
    """A protocol of the rows, with queries and gallery as in `like`; the usual one where that is impossible.

    Queries are all rows of the modalities and kinds of `like`'s queries, the gallery likewise, in one trial.
    What does not count and what a rank counts are as in `like`. Kinds make no difference if a side of `like`
    does not say them or no row has one. Where both sides are the same rows, where nobody could be found, and
    without `like`, both are images: every infrared one against all visible ones where there are both, else by
    Market-1501's protocol where cameras allow it, else every image against the rest.

    Args:
        records: images, and perhaps captions.
        seed: of the drawn queries of Market-1501's protocol.
        like: the data set's own test protocol.
        texts: whether captions may be queries or gallery; without `like`, they are the queries.
    """
    if like is not None:
        return _protocol_like(records, like, texts, seed) or _image_protocol(images_of(records), seed)
    if texts and has_text(records):
        captions = records[records.modality == TEXT]
        return text_to_image(captions, images_of(records), name=_NAME, trained_on="")
    return _image_protocol(images_of(records), seed)


def protocol_of(
    held: Records | Protocol, seed: int, like: Protocol | None = None, *, texts: bool = False
) -> Protocol:
    """The protocol of the validation: `validation_protocol` of rows; a given one, or only its images.

    Args:
        held: what chooses the model.
        seed: see `validation_protocol`.
        like: see `validation_protocol`.
        texts: whether captions can be embedded.
    """
    if isinstance(held, Records):
        return validation_protocol(held, seed, like, texts=texts)
    if texts or not texts_of(held):
        return held
    return _image_protocol(images_of(held.query, held.gallery), seed)


def check_answers(protocol: Protocol, advice: str = "", *, what: str = "validation") -> None:
    """Refuse a protocol that has no query with a right answer, before anything is trained."""
    if not _has_answers(protocol):
        raise OptionError(
            f"none of the {len(protocol.query):,} queries of the {what} has a right answer in its "
            f"gallery of {len(protocol.gallery):,} rows{advice}"
        )


def has_text(records: Records) -> bool:
    """Whether there are captions among the rows."""
    return bool(np.any(records.modality == TEXT))


def texts_of(protocol: Protocol) -> bool:
    """Whether captions are among the queries or the gallery."""
    return has_text(protocol.query) or has_text(protocol.gallery)


def images_of(*tables: Records) -> Records:
    """The images among the rows of tables, each once; of several tables without their extra columns."""
    images = [table[table.modality != TEXT] if has_text(table) else table for table in tables]
    if len(images) == 1:
        return images[0]
    seen: set[str] = set()
    parts = []
    for table in images:
        parts.append(table[np.array([path not in seen for path in table.path.tolist()], bool)])
        seen.update(table.path.tolist())
    return Records.concat([part.without_columns(*part.extra) for part in parts])


def needed_images(held: Records | Protocol, protocol: Protocol) -> Records:
    """The images among the rows that a protocol needs, with all that was known of them."""
    images = images_of(held) if isinstance(held, Records) else images_of(held.query, held.gallery)
    paths = set(images_of(protocol.query, protocol.gallery).path.tolist())
    return images[np.array([path in paths for path in images.path.tolist()], bool)]


def protocol_in_words(protocol: Protocol) -> str:
    """Queries, gallery and exclusion rule in words, for the record of a run.

    >>> rows = Records.from_columns(["a", "b"], 1, modality=["ir", "rgb"], kind=["", "whole"])
    >>> protocol_in_words(single_query(rows[:1], rows[1:]))
    'query: 1 ir; gallery: 1 rgb whole; not counted: same_person_and_camera'
    """
    query, gallery = (
        " ".join(filter(None, [f"{len(part):,}", *np.unique(part.modality), *np.unique(part.kind)]))
        for part in (protocol.query, protocol.gallery)
    )
    return f"query: {query}; gallery: {gallery}; not counted: {protocol.exclusion.__name__}"


def _protocol_like(records: Records, like: Protocol, texts: bool, seed: int) -> Protocol | None:
    """The rows with queries and gallery as `like` has them, or None if there would be no match."""
    query, gallery = (_alike(records, part, texts) for part in (like.query, like.gallery))
    if not query.any() or not gallery.any():
        return None
    if bool(np.all(query == gallery)) and not has_text(records[query]):
        protocol = _image_protocol(records[query], seed)
    else:
        both = records[query & gallery]
        if len(both) and bool(np.any(np.not_equal(*like.exclusion(both, both)))):
            gallery &= ~query  # the rule would let a query find itself
        protocol = Protocol(_NAME, records[query], records[gallery], like.exclusion, cmc=like.cmc)
    return protocol if _has_answers(protocol) else None


def _alike(records: Records, part: Records, texts: bool) -> BoolArray:
    """[N]; which rows are of the modalities and, where said, of the kinds of one side of a protocol."""
    alike = np.isin(records.modality, np.unique(part.modality))
    if not texts:
        alike &= records.modality != TEXT
    if bool(np.all(part.kind != "")) and bool(np.any(records.kind != "")):
        alike &= np.isin(records.kind, np.unique(part.kind))
    return np.asarray(alike, bool)


def _has_answers(protocol: Protocol) -> bool:
    """Whether every trial has a query that can be answered."""
    return bool(len(protocol.query) and len(protocol.gallery)) and all(
        found.valid for found in protocol.validity()
    )


def _cross_modal(records: Records) -> Protocol | None:
    """Every infrared image against all visible ones, or None if nobody is seen in both.

    A mixed gallery would measure how well images of one modality find each other. By Market-1501's rule where
    all cameras are known and somebody is then left to be found.
    """
    query, gallery = records.filter(modality=IR), records.filter(modality=RGB)
    protocols = [without_cameras(query, gallery, name=_NAME)]
    if not bool(np.any(records.camera == NO_CAMERA)):
        protocols.insert(0, single_query(query, gallery, name=_NAME))
    return next((protocol for protocol in protocols if _has_answers(protocol)), None)


def _image_protocol(records: Records, seed: int) -> Protocol:
    """Infrared to visible where there are both, else Market-1501's protocol where cameras allow it.

    With cameras: one drawn image of each person and camera is a query for the person's images in the other
    cameras; so at least one person must have been seen by two. Else every image is a query against the rest.
    """
    if not len(records):
        return one_against_rest(records, name=_NAME)
    across_modalities = _cross_modal(records)
    if across_modalities is not None:
        return across_modalities
    cameras = records.camera
    pairs = np.unique(np.stack([records.person, cameras]), axis=1)
    across = len(np.unique(pairs[0])) < pairs.shape[1]
    if not across or bool(np.any(cameras == NO_CAMERA)):
        # without another camera to be found in, images of one camera must count
        return one_against_rest(records.with_columns(camera=NO_CAMERA), name=_NAME)
    order = np.random.default_rng(seed).permutation(len(records))
    _, first = np.unique(np.stack([records.person, cameras])[:, order], axis=1, return_index=True)
    return single_query(records[np.sort(order[first])], records, name=_NAME)
