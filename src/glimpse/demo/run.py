"""Render a world, read it, prepare its pixels, embed, search, measure, and show who was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glimpse.baselines import colour_histogram
from glimpse.datasets import Dataset, read
from glimpse.demo.ranked import Answer, draw_ranked
from glimpse.embeddings import Embeddings
from glimpse.evaluation import Result, evaluate
from glimpse.evaluation.chance import chance
from glimpse.evaluation.report import table
from glimpse.evaluation.reranked import evaluate_reranked
from glimpse.files import atomic_write
from glimpse.pixels import PixelCache
from glimpse.progress import Progress, terminal_bar
from glimpse.protocols import Protocol
from glimpse.records import Records
from glimpse.reranking import KReciprocal
from glimpse.retriever import Retriever
from glimpse.similarity import Cosine
from glimpse.world.export import export_world

LAYOUT = "occluded_duke"
NETWORK = "resnet-micro"
SHOWN = 6
"""Queries on the picture, and answers to each."""


@dataclass(frozen=True)
class Demo:
    """What the demo left behind.

    Attributes:
        world: the folder of the rendered data set.
        picture: who was found.
        table: the figures, as text.
        results: by what was measured.
    """

    world: Path
    picture: Path
    table: str
    results: dict[str, Result]


def run_demo(
    folder: Path,
    *,
    scale: str = "small",
    seed: int = 0,
    say: Callable[[str], None] = print,
    progress: Progress = terminal_bar,
) -> Demo:
    """Run the demo in `folder`; a second run finds the world and the pixels where the first left them.

    Args:
        folder: where everything is written.
        scale: of the world: `tiny` takes seconds, `small` a minute.
        seed: of the world.
        say: told what is going on, a line at a time.
        progress: what shows the progress.
    """
    world = folder / f"{LAYOUT}-{scale}-{seed}"
    if (world / "glimpse-world.json").is_file():
        say(f"the world in {world} is already there")
    else:
        say(f"rendering people who do not exist into {world}")
        export_world(LAYOUT, world, scale=scale, seed=seed, progress=progress)
    dataset = read(LAYOUT, world)
    protocol = dataset.protocol()
    validity = protocol.validity()[0]
    say(
        f"read it as {dataset.layout.title}: {len(dataset.train):,} training pictures, "
        f"{len(protocol.query):,} occluded queries ({validity.valid:,} valid, {validity.skipped:,} skipped), "
        f"{len(protocol.gallery):,} in the gallery"
    )
    colours = _colours(protocol, folder / "pixels", progress)
    say(f"embedding them with {NETWORK}, a small network that was trained on other people who do not exist")
    retriever = Retriever.load(NETWORK)
    vectors = _embedded(retriever, protocol)
    results = {
        "colour histogram": evaluate(colours, protocol, similarity=Cosine()),
        NETWORK: evaluate(vectors, protocol, similarity=retriever.similarity),
        f"{NETWORK}, k-reciprocal": evaluate_reranked(
            vectors, protocol, KReciprocal(), similarity=retriever.similarity
        ),
    }
    figures = f"{table(results)}\nchance: rank-1 {100 * chance(protocol).rank_1:.2f}"
    picture = folder / "found.png"
    image = draw_ranked(_answers(dataset, protocol, retriever.score(*vectors)))
    with atomic_write(picture) as file:
        image.save(file, "PNG")
    return Demo(world, picture, figures, results)


def _colours(protocol: Protocol, cache: Path, progress: Progress) -> tuple[Embeddings, Embeddings]:
    """Upper- and lower-body colours: no training, the least that a network must beat."""
    both = [*protocol.query.path.tolist(), *protocol.gallery.path.tolist()]
    pixels = PixelCache.build(both, cache, size=(128, 64), progress=progress)
    vectors = colour_histogram(pixels.read(np.arange(len(both))))
    split = len(protocol.query)
    return Embeddings(vectors[:split]), Embeddings(vectors[split:])


def _embedded(retriever: Retriever, protocol: Protocol) -> tuple[Embeddings, Embeddings]:
    return retriever.embed(protocol.query.path.tolist()), retriever.embed(protocol.gallery.path.tolist())


def _answers(dataset: Dataset, protocol: Protocol, scores: np.ndarray) -> list[Answer]:
    """The first answers to some queries of different persons, spread over the query list."""
    comparison = protocol.comparison(protocol.trials[0])
    valid = np.flatnonzero(comparison.matches_per_query())
    first = [rows[0] for rows in _by_person(protocol.query, valid).values()]
    chosen = [first[i] for i in np.linspace(0, len(first) - 1, min(SHOWN, len(first))).astype(int)]
    answers = []
    for query in chosen:
        counted = comparison.gallery_key != comparison.query_key[query]
        rows = comparison.gallery_rows[counted]
        best = rows[np.argsort(-scores[query, rows], kind="stable")[:SHOWN]]
        answers.append(
            Answer(
                protocol.query.path[query],
                tuple(protocol.gallery.path[best].tolist()),
                tuple((protocol.gallery.person[best] == protocol.query.person[query]).tolist()),
            )
        )
    return answers


def _by_person(query: Records, rows: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(int(query.person[row]), []).append(row)
    return found
