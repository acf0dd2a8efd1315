"""`explain`: everything there is to see of a retriever, as one report."""

from __future__ import annotations

import numpy as np

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import MissingExtraError, OptionError
from glimpse.explain.kept import draw_kept, kept
from glimpse.explain.lists import list_figures
from glimpse.explain.maps import support_figures, why_no_maps
from glimpse.explain.occlusions import draw_samples, synthetic_samples
from glimpse.explain.parts import Figure, Section
from glimpse.explain.report import Report
from glimpse.explain.wish import Wish
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.records import Records
from glimpse.retriever import Retriever
from glimpse.similarity import MaskedCosine

NO_MASKS = "This retriever makes no masks: its lists and maps are those of whole vectors."
UNUSED_MASKS = "This retriever makes masks, but does not compare with them."
HOW_MAPS = (
    "Maps show which patches a picture's score with itself rests on: how much each patch adds on the way "
    "from an empty grey picture to this one. 'Kept' weighs the dimensions by the picture's own mask, 'mask "
    "off' counts all alike, and the difference is orange where the mask makes a patch count for more. A map "
    "says what the network uses, not what is a person."
)
HOW_LISTS = (
    "In ranked lists, answers framed in green are right, in red wrong; grey ones are of an unknown person."
)
HOW_KEPT = (
    "Each row is the mask of one picture, each column a dimension, those kept most on the left. "
    "Participation is the share of its dimensions that a mask uses: at 100 % it changes nothing. Below, "
    "orange marks what a picture's mask keeps more than the mean mask does, blue what it keeps less: rows "
    "that are pale there are of masks that know the dimensions, but not their picture."
)
HOW_OCCLUSIONS = (
    "Patch transfer shows a target only in those cells where the donor's own person stands; all else is the "
    "donor's. The number is the share of the cells of the target's mask that can still be seen: what the "
    "mask has missed is not counted."
)


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
    first = asked[: wish.queries]
    figures: list[list[Figure]] = [[] for _ in range(len(first))]
    words = [reason or HOW_MAPS]
    if masks is None or not isinstance(retriever.similarity, MaskedCosine):
        words.insert(0, NO_MASKS if masks is None else UNUSED_MASKS)
    if not reason:
        _share_out(support_figures(retriever, first, progress), figures)
    facts = {"pictures": f"{len(first)}", "compared by": str(retriever.similarity), "seed": str(wish.seed)}
    if protocol is not None:
        found = retriever.embed(protocol.gallery, progress=progress) if gallery is None else gallery
        part = vectors[: wish.queries]
        lists = list_figures(retriever.similarity, first, part, protocol, found, wish.answers)
        _share_out(lists, figures)
        words.append(HOW_LISTS)
        facts["gallery"] = f"{len(protocol.gallery):,} pictures, protocol {protocol.name}"
    sections = [Section("How to read this page", tuple(words))]
    sections += [Section(_who(first, row), figures=tuple(some)) for row, some in enumerate(figures) if some]
    if masks is not None:
        sections.append(_kept(masks, len(first)))
    if training is not None:
        sections.append(_occlusions(training, wish, progress))
    return Report(title, facts, tuple(sections))


def _share_out(given: list[Figure], figures: list[list[Figure]]) -> None:
    for some, one in zip(figures, given, strict=True):
        some.append(one)


def _who(asked: Records, row: int) -> str:
    known = f", person {asked.person[row]}" if asked.person[row] >= 0 else ""
    return f"Picture {row + 1}{known}: {asked.path[row]}"


def _kept(masks: FloatArray, shown: int) -> Section:
    ordered = kept(masks)
    sheet = draw_kept(ordered, {row: f"picture {row + 1}" for row in range(shown)})
    mean, apart = ordered.participation.mean(), np.abs(ordered.own).mean()
    told = (
        f"{len(masks)} masks of {masks.shape[1]} dimensions; mean participation {100 * mean:.1f} %; a weight "
        f"differs from its mean over pictures by {apart:.3f} on average, where a mask's mean weight is 1."
    )
    return Section("What the masks keep", (HOW_KEPT,), (Figure("kept-dimensions", sheet, told, told),))


def _occlusions(training: Records, wish: Wish, progress: Progress) -> Section:
    title = "Synthetic occlusions"
    generator = np.random.default_rng(wish.seed)
    try:
        samples = synthetic_samples(training, wish.samples, generator, source=wish.masks, progress=progress)
    except (MissingExtraError, OptionError) as missing:
        if wish.must_occlude:
            raise
        return Section(title, (f"There are none: {missing}.",))
    if not samples:
        return Section(title, ("There are none: no target of the batch that was drawn found a donor.",))
    share = ", ".join(f"{100 * sample.visible:.0f}" for sample in samples)
    alt = f"Targets, their masks, donors, the donors' windows, and the mixed pictures: {share} % visible."
    figure = Figure("synthetic-occlusions", draw_samples(samples), alt, f"Visible: {share} %.")
    return Section(title, (HOW_OCCLUSIONS,), (figure,))
