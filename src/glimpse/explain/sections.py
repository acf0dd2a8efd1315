"""The sections of a report: what is shown, and the words on how to read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import MissingExtraError, OptionError
from glimpse.explain.masks import draw_masks, kept
from glimpse.explain.occlusions import draw_samples, synthetic_samples
from glimpse.explain.options import ReportOptions
from glimpse.explain.report import Figure, Section
from glimpse.files import printable
from glimpse.progress import Progress
from glimpse.records import Records
from glimpse.retriever.codec import SIMILARITIES, name_of
from glimpse.similarity import MaskedCosine, Similarity, participation_ratio

NO_MASKS = "This retriever makes no masks: its lists and maps are those of whole vectors."
UNUSED_MASKS = "This retriever makes masks, but does not compare with them."
HOW_MAPS = (
    "Maps show which patches an image's score with itself rests on: how much each patch adds on the way "
    "from an empty gray image to this one. 'Kept' weighs the dimensions by the image's own mask, 'mask "
    "off' counts all alike, and the difference is orange where the mask makes a patch count for more. A map "
    "says what the network uses, not what is a person."
)
HOW_SEEN = (
    "'Seen' fades where the network does not see the person, 'trusted' where a stripe of the image counts "
    "for little, as it shows less of a person than usual."
)
HOW_PARTS = (
    "Each part has a proxy that pools the image's patches; its map shows from where, each map at its own "
    "scale. The background's is not part of the vector."
)
HOW_PATTERNS = (
    "A vector is a set of patterns. Shown are those that set an image apart most from the mean of the images "
    "on this page, and where in the image each is found; numbers are channels."
)
HOW_LISTS = (
    "In ranked lists, answers framed in green are right, in red wrong; gray ones are of an unknown person."
)
HOW_KEPT = (
    "Each row is the mask of one image, each column a dimension, those kept most on the left. "
    "Participation is the share of its dimensions that a mask uses: at 100 % it changes nothing. Below, with "
    "the dimensions in the network's own order, orange marks what an image's mask keeps more than the mean "
    "mask does, blue what it keeps less: rows that are pale there are of masks that know the dimensions, but "
    "not their image."
)
HOW_OCCLUSIONS = (
    "Patch transfer shows a target only in those cells where the donor's own person stands; all else is the "
    "donor's. The number is the share of the cells of the target's mask that can still be seen: what the "
    "mask has missed is not counted."
)


def image_section(queries: Records, row: int, vectors: Embeddings, figures: list[Figure]) -> Section:
    """The section of one image."""
    words: tuple[str, ...] = ()
    if vectors.masks is not None:
        share = 100 * participation_ratio(vectors.masks[row : row + 1])[0]
        words = (f"Its mask uses {share:.1f} % of the dimensions.",)
    return Section(_title(queries, row), words, tuple(figures))


def _title(queries: Records, row: int) -> str:
    known = f", person {queries.person[row]}" if queries.person[row] >= 0 else ""
    return f"Image {row + 1}{known}: {printable(Path(queries.path[row]).name)}"


def compared_by(similarity: Similarity) -> str:
    """A similarity in words.

    >>> compared_by(MaskedCosine())
    'masked-cosine, side query'
    """
    side = f", side {similarity.side}" if isinstance(similarity, MaskedCosine) else ""
    return (name_of(type(similarity), SIMILARITIES) or type(similarity).__name__) + side


def masks_section(masks: FloatArray, shown: int) -> Section:
    """The masks `[Q, D]` of all images, of which the first ones were shown."""
    ordered = kept(masks)
    sheet = draw_masks(ordered, {row: f"image {row + 1}" for row in range(shown)})
    share = 100 * ordered.participation
    told = (
        f"{len(masks)} masks of {masks.shape[1]} dimensions; participation {share[0]:.1f} to {share[-1]:.1f} "
        f"%, {share.mean():.1f} % on average; a weight differs from its mean over images by "
        f"{np.abs(ordered.own).mean():.3f} on average, where a mask's mean weight is 1."
    )
    return Section("What the masks keep", (HOW_KEPT,), (Figure("kept-dimensions", sheet, told, told),))


def occlusions_section(training: Records, options: ReportOptions, progress: Progress) -> Section:
    """The section of synthetic occlusions, or of the reason why there are none."""
    title = "Synthetic occlusions"
    generator = np.random.default_rng(options.seed)
    try:
        samples = synthetic_samples(
            training, options.samples, generator, source=options.masks, progress=progress
        )
    except (MissingExtraError, OptionError) as missing:
        if options.must_occlude:
            raise
        return Section(title, (f"There are none: {missing}.",))
    if not samples:
        return Section(title, ("There are none: no target of the batch that was drawn found a donor.",))
    share = ", ".join(f"{100 * sample.visible:.0f}" for sample in samples)
    alt = f"Targets, their masks, donors, the donors' windows, and the mixed images: {share} % visible."
    figure = Figure("synthetic-occlusions", draw_samples(samples), alt, f"Visible: {share} %.")
    return Section(title, (HOW_OCCLUSIONS,), (figure,))
