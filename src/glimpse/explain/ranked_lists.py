"""Ranked lists with and without the mask, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.embeddings import Embeddings
from glimpse.explain.drawing import FAINT, INK, Cell, Row, draw_sheet
from glimpse.explain.report import Figure
from glimpse.pixels import decode
from glimpse.protocols import Protocol
from glimpse.records import JUNK, Records
from glimpse.similarity import MaskedCosine, Similarity
from glimpse.similarity.base import Scores

RIGHT, WRONG = (40, 160, 70), (205, 60, 50)
_FRAMES = {True: RIGHT, False: WRONG, None: FAINT}


@dataclass(frozen=True)
class Answer:
    """One ranked list.

    Attributes:
        query: the image.
        found: images, best first.
        right: whether each shows the query's person; None where the person is not known.
        note: what the list is.
    """

    query: str
    found: tuple[str, ...]
    right: tuple[bool | None, ...]
    note: str = ""

    def in_words(self) -> str:
        """Which answers are right.

        >>> Answer("q.png", ("a.png", "b.png", "c.png"), (True, False, True)).in_words()
        'right at 1, 3 of 3'
        """
        if None in self.right:
            return f"{len(self.found)} answers, of an unknown person"
        places = ", ".join(str(rank) for rank, right in enumerate(self.right, start=1) if right)
        return f"right at {places} of {len(self.right)}" if places else f"none of {len(self.right)} right"


def draw_ranked(answers: Sequence[Answer]) -> Image.Image:
    """A row per ranked list."""
    return draw_sheet([_row(answer) for answer in answers], ("query", "found, best first"))


def counted_rows(queries: Records, protocol: Protocol) -> NDArray[np.bool_]:
    """Which gallery rows the protocol lets count for query images, `[Q, G]`.

    The images need not be queries of the protocol. Of several trials the gallery is the first one's.
    """
    gallery = protocol.gallery
    in_gallery = np.zeros(len(gallery), bool)
    in_gallery[protocol.trials[0].gallery] = True
    in_gallery &= gallery.person != JUNK
    query_key, gallery_key = protocol.exclusion(queries, gallery)
    counted: NDArray[np.bool_] = in_gallery & (query_key[:, None] != gallery_key)
    return counted


def ranked_lists(
    queries: Records,
    gallery: Records,
    counted: NDArray[np.bool_],
    scores: Scores,
    length: int,
    note: str = "",
) -> list[Answer]:
    """The best answers to each of Q images, equal scores by row.

    Args:
        queries: Q images; a negative person is unknown.
        gallery: G rows.
        counted: `[Q, G]`.
        scores: `[Q, G]`.
        length: of a list.
        note: what the lists are.
    """
    answers = []
    for query, path in enumerate(queries.path.tolist()):
        rows = np.flatnonzero(counted[query])
        best = rows[np.argsort(-scores[query, rows], kind="stable")[:length]]
        person = int(queries.person[query])
        right = tuple(bool(other == person) if person >= 0 else None for other in gallery.person[best])
        answers.append(Answer(path, tuple(gallery.path[best].tolist()), right, note))
    return answers


def _row(answer: Answer) -> Row:
    found = zip(answer.found, answer.right, strict=True)
    queries = Cell(decode(answer.query), INK)
    return Row((queries, *(Cell(decode(path), _FRAMES[right]) for path, right in found)), answer.note)


WITH, WITHOUT = "With its mask", "Without"


def list_figures(
    similarity: Similarity,
    queries: Records,
    vectors: Embeddings,
    protocol: Protocol,
    gallery: Embeddings,
    length: int,
) -> list[Figure]:
    """A figure for each image: its list, and the one without masks below it where masks count.

    Args:
        similarity: as the retriever has it, before any re-ranking.
        queries: Q images.
        vectors: their Q embeddings.
        protocol: whose gallery is searched.
        gallery: the G embeddings of its gallery.
        length: of a list.
    """
    counted = counted_rows(queries, protocol)
    lists = []
    for note, ours, theirs in _sides(similarity, vectors, gallery):
        scores = similarity.pairwise(ours, theirs)
        lists.append(ranked_lists(queries, protocol.gallery, counted, scores, length, note))
    return [_figure(row, answers) for row, answers in enumerate(zip(*lists, strict=True), start=1)]


def _sides(
    similarity: Similarity, vectors: Embeddings, gallery: Embeddings
) -> list[tuple[str, Embeddings, Embeddings]]:
    if vectors.masks is None or not isinstance(similarity, MaskedCosine):
        return [("", vectors, gallery)]
    # a masked cosine of embeddings without masks is the plain one
    return [
        (WITH, vectors, gallery),
        (WITHOUT, Embeddings(vectors.vectors), Embeddings(gallery.vectors)),
    ]


def _figure(number: int, answers: tuple[Answer, ...]) -> Figure:
    told = "; ".join(f"{one.note}: {one.in_words()}" if one.note else one.in_words() for one in answers)
    return Figure(f"query-{number}-lists", draw_ranked(answers), f"Ranked lists; {told}.", f"{told}.")
