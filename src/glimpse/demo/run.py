"""Render a world, read it, embed, search with and without masks, measure, show what was seen and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glimpse.baselines import color_histogram
from glimpse.datasets import Dataset, read
from glimpse.embeddings import Embeddings
from glimpse.evaluation import Result, evaluate
from glimpse.evaluation.metrics import chance
from glimpse.evaluation.result import table
from glimpse.explain import ReportOptions, Section, chosen_queries, explain, ready
from glimpse.explain.ranked_lists import counted_rows, draw_ranked, ranked_lists
from glimpse.files import atomic_write
from glimpse.pixels import PixelCache
from glimpse.progress import Progress, terminal_bar
from glimpse.protocols import Protocol
from glimpse.retriever import Retriever
from glimpse.retriever.protocol_embeddings import embed_protocols
from glimpse.segmentation import GrabCutMasks
from glimpse.similarity import Cosine, MaskedCosine
from glimpse.world.export import export_world

LAYOUT = "occluded_duke"
NETWORK = "occluded-micro"
SHOWN, MASKS = 6, 64
"""Queries on the images and answers to each; masks on theirs."""

Pair = tuple[Embeddings, Embeddings]


@dataclass(frozen=True)
class Demo:
    """What the demo left behind.

    Attributes:
        world: the folder of the rendered data set.
        image: who was found.
        page: what the network saw and found.
        table: the figures, as text.
        results: by what was measured.
    """

    world: Path
    image: Path
    page: Path
    table: str
    results: dict[str, Result]


def run_demo(
    folder: Path,
    *,
    scale: str = "small",
    seed: int = 0,
    retriever: str | Path = NETWORK,
    say: Callable[[str], None] = print,
    progress: Progress = terminal_bar,
) -> Demo:
    """Run the demo in `folder`; a second run finds world, pixels and masks where the first left them.

    Args:
        folder: where everything is written.
        scale: of the world: `tiny` takes seconds, `small` a minute.
        seed: of the world.
        retriever: what answers; one with masks is also measured without them.
        say: told what is going on, a line at a time.
        progress: what shows the progress.
    """
    ready(folder)
    loaded = Retriever.load(retriever)
    dataset = _world(folder / f"{LAYOUT}-{scale}-{seed}", scale, seed, say, progress)
    protocol = dataset.protocol()
    colors = _colors(protocol, folder / "pixels", progress)
    name = Path(retriever).name
    say(f"embedding them with {name}, a small network that was trained on other people who do not exist")
    pair = embed_protocols(loaded, [protocol], progress=progress)[0]
    results = _results(name, loaded, pair, colors, protocol)
    figures = f"{table(results)}\nchance: rank-1 {100 * chance(protocol).rank_1:.2f}"
    say("drawing what it saw and whom it found")
    masks = GrabCutMasks(folder / "masks", progress=progress)
    report = explain(
        loaded,
        chosen_queries(protocol, MASKS, np.random.default_rng(seed)),
        protocol=protocol,
        gallery=pair[1],
        training=dataset.train,
        options=ReportOptions(queries=SHOWN, answers=SHOWN, samples=SHOWN, masks=masks, seed=seed),
        title="People who do not exist, found again",
        progress=progress,
    )
    measured = Section("Measured", (f"Every valid query, over the whole gallery, by {name}.",), table=figures)
    page = replace(report, sections=(measured, *report.sections)).save(folder)
    image = _found(folder / "found.png", loaded, pair, protocol, seed)
    return Demo(dataset.root, image, page, figures, results)


def _world(world: Path, scale: str, seed: int, say: Callable[[str], None], progress: Progress) -> Dataset:
    """Rendered, unless it is there, and read."""
    if (world / "glimpse-world.json").is_file():
        say(f"the world in {world} is already there")
    else:
        say(f"rendering people who do not exist into {world}")
        export_world(LAYOUT, world, scale=scale, seed=seed, progress=progress)
    dataset = read(LAYOUT, world)
    protocol = dataset.protocol()
    validity = protocol.validity()[0]
    say(
        f"read it as {dataset.layout.title}: {len(dataset.train):,} training images, "
        f"{len(protocol.query):,} occluded queries ({validity.valid:,} valid, {validity.skipped:,} skipped), "
        f"{len(protocol.gallery):,} in the gallery"
    )
    return dataset


def _results(
    name: str, retriever: Retriever, pair: Pair, colors: Pair, protocol: Protocol
) -> dict[str, Result]:
    """Colors, the plain cosine, and the masked one if there are masks to compare with."""
    results = {
        "color histogram": evaluate(colors, protocol, similarity=Cosine()),
        f"{name}, cosine": evaluate(pair, protocol, similarity=Cosine()),
    }
    if pair[0].masks is not None and isinstance(retriever.similarity, MaskedCosine):
        results[f"{name}, masked cosine"] = evaluate(pair, protocol, similarity=retriever.similarity)
    return results


def _colors(protocol: Protocol, cache: Path, progress: Progress) -> Pair:
    """Upper- and lower-body colors: no training, the least that a network must beat."""
    both = [*protocol.query.path.tolist(), *protocol.gallery.path.tolist()]
    pixels = PixelCache.build(both, cache, size=(128, 64), progress=progress)
    vectors = color_histogram(pixels.read(np.arange(len(both))))
    split = len(protocol.query)
    return Embeddings(vectors[:split]), Embeddings(vectors[split:])


def _found(path: Path, retriever: Retriever, pair: Pair, protocol: Protocol, seed: int) -> Path:
    """The first answers to the same queries as one image."""
    queries = chosen_queries(protocol, SHOWN, np.random.default_rng(seed))
    vectors = retriever.embed(queries)
    scores = retriever.similarity.pairwise(vectors, pair[1])
    lists = ranked_lists(queries, protocol.gallery, counted_rows(queries, protocol), scores, SHOWN)
    with atomic_write(path) as file:
        draw_ranked(lists).save(file, "PNG")
    return path
