"""`glimpse explain`: what a retriever sees, as images and as one page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from glimpse.cli.options import Device, load_retriever
from glimpse.ranges import LARGEST_SEED

_MASKS = 64  # our choice: so many masks show what differs between images, and take no time


def explain(
    retriever: Annotated[
        str, typer.Argument(metavar="RETRIEVER", help="A folder, or the name of one that comes with Glimpse.")
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="NAME:DIR", help="The data set whose queries and gallery are used."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="One of the data set's protocols; if left out, the first.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--reader", metavar="KEY=VALUE", help="An option of the data set's reader, like split=3."
        ),
    ] = None,
    queries: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many queries are drawn; 6 if left out.")
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Explain this image instead of queries; may be repeated."),
    ] = None,
    answers: Annotated[int, typer.Option(min=1, max=1000, help="Length of a ranked list.")] = 6,
    occlusions: Annotated[
        bool | None,
        typer.Option(
            "--occlusions/--no-occlusions",
            help="Synthetic occlusions of the training images; if left out, where OpenCV is there.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Of the queries and the synthetic occlusions drawn.")
    ] = 0,
    device: Device = "auto",
    out: Annotated[Path, typer.Option("--out", help="A folder for the images and report.html.")] = Path(
        "explained"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Show which patches count, what masks keep, who is found with and without them.

    Example: glimpse explain runs/dpm/best --data occluded_duke:worlds/duke --queries 4

    Example: glimpse explain vit-micro --image photo.jpg
    """
    import numpy as np

    from glimpse.cli.options import read_source
    from glimpse.errors import OptionError
    from glimpse.explain import ReportOptions, chosen_queries, loose_images, ready
    from glimpse.explain import explain as explained
    from glimpse.files import check_apart
    from glimpse.progress import terminal_bar

    if data is None and not image:
        raise OptionError("give --data NAME:DIR, or --image FILE, or both")
    if data is None and (occlusions or queries is not None or protocol is not None or options):
        raise OptionError("--queries, --protocol, --reader and --occlusions go with --data")
    if image and queries is not None:
        raise OptionError("give either --queries or --image: what is explained is one or the other")
    dataset = None if data is None else read_source(data, options or [])
    if dataset is not None:
        check_apart(out, dataset.root)
    chosen = None if dataset is None else dataset.protocol(protocol)
    report_options = ReportOptions(
        queries=len(image) if image else 6 if queries is None else queries,
        answers=answers,
        must_occlude=bool(occlusions),
        seed=seed,
    )
    loaded = load_retriever(retriever, device=device)
    ready(out)
    if image or chosen is None:
        chosen_rows = loose_images(image or [], chosen)
    else:
        chosen_rows = chosen_queries(chosen, max(_MASKS, report_options.queries), np.random.default_rng(seed))
    report = explained(
        loaded,
        chosen_rows,
        protocol=chosen,
        training=None if dataset is None or occlusions is False else dataset.train,
        options=report_options,
        title=f"What {Path(retriever).name} sees",
        progress=terminal_bar,
    )
    page = report.save(out)
    if as_json:
        images = [str(out / f"{name}.png") for name in report.images]
        typer.echo(json.dumps({"page": str(page), "images": images}, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{len(report.images)} images, and all of them in {page}")
