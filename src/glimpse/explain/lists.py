"""Ranked lists with and without the mask, as figures."""

from __future__ import annotations

from glimpse.embeddings import Embeddings
from glimpse.explain.parts import Figure
from glimpse.explain.ranked import Answer, counted_rows, draw_ranked, ranked_lists
from glimpse.protocols import Protocol
from glimpse.records import Records
from glimpse.similarity import MaskedCosine, Similarity

WITH, WITHOUT = "With its mask", "Without"


def list_figures(
    similarity: Similarity,
    asked: Records,
    vectors: Embeddings,
    protocol: Protocol,
    gallery: Embeddings,
    length: int,
) -> list[Figure]:
    """A figure for each picture: its list, and the one without masks below it where masks count.

    Args:
        similarity: as the retriever has it, before any re-ranking.
        asked: Q pictures.
        vectors: their Q embeddings.
        protocol: whose gallery is searched.
        gallery: the G embeddings of its gallery.
        length: of a list.
    """
    counted = counted_rows(asked, protocol)
    lists = []
    for note, ours, theirs in _sides(similarity, vectors, gallery):
        scores = similarity.pairwise(ours, theirs)
        lists.append(ranked_lists(asked, protocol.gallery, counted, scores, length, note))
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
