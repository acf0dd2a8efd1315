"""`explain`: a report on a retriever, and the queries that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.explain.activations import attends_to_parts, has_patterns, part_figures, pattern_figures
from glimpse.explain.attribution import support_figures, why_no_maps
from glimpse.explain.options import ReportOptions
from glimpse.explain.ranked_lists import list_figures
from glimpse.explain.report import Figure, Report, Section
from glimpse.explain.sections import (
    HOW_LISTS,
    HOW_MAPS,
    HOW_PARTS,
    HOW_PATTERNS,
    HOW_SEEN,
    NO_MASKS,
    UNUSED_MASKS,
    compared_by,
    image_section,
    masks_section,
    occlusions_section,
)
from glimpse.explain.visibility import tells_visibility, visibility_figures
from glimpse.progress import Progress, silent
from glimpse.protocols import Protocol
from glimpse.records import JUNK, NO_CAMERA, NO_MODALITY, TEXT, Records
from glimpse.retriever import Retriever
from glimpse.similarity import MaskedCosine


def chosen_queries(protocol: Protocol, count: int, generator: np.random.Generator) -> Records:
    """Some of a protocol's queries that have a right answer, of as many different persons as there are.

    A larger `count` begins with the same queries.
    """
    if count < 1:
        raise OptionError(f"a report shows at least one query, got {count}")
    query = protocol.query
    if np.any(query.modality == TEXT):
        raise OptionError(
            f"the queries of the protocol {protocol.name} are sentences: there is nothing to see"
        )
    comparison = protocol.comparison(protocol.trials[0])
    rows = generator.permutation(comparison.query_rows[comparison.matches_per_query() > 0])
    if not len(rows):
        raise OptionError(f"no query of the protocol {protocol.name} has a right answer")
    seen: dict[int, int] = {}
    turns = []
    for person in query.person[rows].tolist():
        seen[person] = seen.get(person, 0) + 1
        turns.append(seen[person])
    return query[rows[np.argsort(turns, kind="stable")][:count]]


def loose_images(paths: Sequence[Path], protocol: Protocol | None = None) -> Records:
    """Records of image files; what is a query of the protocol keeps its columns, others have none."""
    if not paths:
        raise OptionError("no image was given")
    if protocol is None:
        return Records.from_columns([str(path) for path in paths], JUNK, modality=NO_MODALITY)
    table = protocol.query
    rows = {Path(path).absolute(): row for row, path in enumerate(table.path.tolist())}
    found = [rows.get(path.absolute()) for path in paths]
    # a query keeps its own spelling too: a rule may leave out the gallery's copy of it by its path
    path = [str(given) if row is None else table.path[row] for given, row in zip(paths, found, strict=True)]
    person = [JUNK if row is None else int(table.person[row]) for row in found]
    camera = [NO_CAMERA if row is None else int(table.camera[row]) for row in found]
    band = np.where(table.modality == TEXT, NO_MODALITY, table.modality)
    modality = [NO_MODALITY if row is None else str(band[row]) for row in found]
    return Records.from_columns(path, person, camera=camera, modality=modality)


def explain(
    retriever: Retriever,
    queries: Records,
    *,
    protocol: Protocol | None = None,
    gallery: Embeddings | None = None,
    training: Records | None = None,
    options: ReportOptions | None = None,
    title: str = "What the retriever sees",
    progress: Progress = silent,
) -> Report:
    """Make a report.

    Args:
        retriever: with or without masks.
        queries: images, as `chosen_queries` or `loose_images` make them; the first ones get maps and
            ranked lists, the masks of all are shown.
        protocol: whose gallery is searched; no ranked lists without it.
        gallery: the embeddings of its gallery, if they are there already.
        training: images that synthetic occlusions are made of; none are made without it.
        options: how much of everything.
        title: of the report.
        progress: shows progress.
    """
    options = options or ReportOptions()
    reason = why_no_maps(retriever)
    vectors = retriever.embed(queries, progress=progress)
    masks = vectors.masks
    if reason and protocol is None and masks is None and not has_patterns(retriever):
        raise OptionError(f"there is nothing to show without a data set: {reason[0].lower()}{reason[1:-1]}")
    first, part = queries[: options.queries], vectors[: options.queries]
    words = [reason or HOW_MAPS]
    if masks is None or not isinstance(retriever.similarity, MaskedCosine):
        words.insert(0, NO_MASKS if masks is None else UNUSED_MASKS)
    facts = {
        "images": f"{len(first)}",
        "compared by": compared_by(retriever.similarity),
        "seed": str(options.seed),
    }
    drawn: list[list[Figure]] = [] if reason else [support_figures(retriever, first, progress)]
    if tells_visibility(retriever):
        drawn.append(visibility_figures(retriever, first))
        words.append(HOW_SEEN)
    if attends_to_parts(retriever):
        drawn.append(part_figures(retriever, first))
        words.append(HOW_PARTS)
    if has_patterns(retriever):
        drawn.append(pattern_figures(retriever, first))
        words.append(HOW_PATTERNS)
    if protocol is not None:
        found = retriever.embed(protocol.gallery, progress=progress) if gallery is None else gallery
        drawn.append(list_figures(retriever.similarity, first, part, protocol, found, options.answers))
        words.append(HOW_LISTS)
        facts["gallery"] = f"{len(protocol.gallery):,} images, protocol {protocol.name}"
    sections = [Section("How to read this page", tuple(words))]
    sections += [
        image_section(first, row, part, [figures[row] for figures in drawn]) for row in range(len(first))
    ]
    if masks is not None:
        sections.append(masks_section(masks, len(first)))
    if training is not None:
        sections.append(occlusions_section(training, options, progress))
    return Report(title, facts, tuple(sections))
