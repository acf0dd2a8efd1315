"""`explain`: everything there is to see of a retriever, as one report."""

from __future__ import annotations

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.explain.lists import list_figures
from glimpse.explain.maps import support_figures, why_no_maps
from glimpse.explain.parts import Figure, Section
from glimpse.explain.report import Report
from glimpse.explain.sections import (
    HOW_LISTS,
    HOW_MAPS,
    HOW_SEEN,
    NO_MASKS,
    UNUSED_MASKS,
    compared_by,
    kept_section,
    occlusions_section,
    picture_section,
)
from glimpse.explain.sight import sight_figures, sighted
from glimpse.explain.wish import Wish
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.records import Records
from glimpse.retriever import Retriever
from glimpse.similarity import MaskedCosine


def explain(
    retriever: Retriever,
    asked: Records,
    *,
    protocol: Protocol | None = None,
    gallery: Embeddings | None = None,
    training: Records | None = None,
    wish: Wish | None = None,
    title: str = "What the retriever sees",
    progress: Progress = silent,
) -> Report:
    """Make a report.

    Args:
        retriever: with or without masks.
        asked: pictures, as `chosen_queries` or `loose_pictures` make them; the first ones get maps and
            ranked lists, the masks of all are shown.
        protocol: whose gallery is searched; no ranked lists without it.
        gallery: the embeddings of its gallery, if they are there already.
        training: pictures that synthetic occlusions are made of; none are made without it.
        wish: how much of everything.
        title: of the report.
        progress: shows progress.
    """
    wish = wish or Wish()
    reason = why_no_maps(retriever)
    vectors = retriever.embed(asked, progress=progress)
    masks = vectors.masks
    if reason and protocol is None and masks is None:
        raise OptionError(f"there is nothing to show without a data set: {reason[0].lower()}{reason[1:-1]}")
    first, part = asked[: wish.queries], vectors[: wish.queries]
    words = [reason or HOW_MAPS]
    if masks is None or not isinstance(retriever.similarity, MaskedCosine):
        words.insert(0, NO_MASKS if masks is None else UNUSED_MASKS)
    facts = {
        "pictures": f"{len(first)}",
        "compared by": compared_by(retriever.similarity),
        "seed": str(wish.seed),
    }
    drawn: list[list[Figure]] = [] if reason else [support_figures(retriever, first, progress)]
    if sighted(retriever):
        drawn.append(sight_figures(retriever, first))
        words.append(HOW_SEEN)
    if protocol is not None:
        found = retriever.embed(protocol.gallery, progress=progress) if gallery is None else gallery
        drawn.append(list_figures(retriever.similarity, first, part, protocol, found, wish.answers))
        words.append(HOW_LISTS)
        facts["gallery"] = f"{len(protocol.gallery):,} pictures, protocol {protocol.name}"
    sections = [Section("How to read this page", tuple(words))]
    sections += [
        picture_section(first, row, part, [figures[row] for figures in drawn]) for row in range(len(first))
    ]
    if masks is not None:
        sections.append(kept_section(masks, len(first)))
    if training is not None:
        sections.append(occlusions_section(training, wish, progress))
    return Report(title, facts, tuple(sections))
