"""`glimpse evaluate`: measure a retriever, or saved embeddings of any model, by published protocols."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glimpse.cli.evaluate_inputs import (
    Comparing,
    Measured,
    RerankName,
    comparing,
    is_retriever,
    notes_on_reranking,
    of_embeddings,
    of_retriever,
    of_tracks,
    of_two_tables,
)
from glimpse.cli.options import Flip, read_source
from glimpse.similarity.registry import SIMILARITIES

if TYPE_CHECKING:
    from glimpse.evaluation import Result


class ApName(StrEnum):
    """Which average precision."""

    MEAN = "mean"
    TRAPEZOID = "trapezoid"


Results = dict[str, "Result"]


def evaluate(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="RETRIEVER|EMBEDDINGS",
            help="A folder, or the name of one that comes with Glimpse; or a .safetensors or .npz with "
            "`vectors` and perhaps `masks`.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME:DIR", help="The data set that is measured on.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help="One of the data set's protocols; if left out, every one, but of EMBEDDINGS the first.",
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="A row per embedding; if left out, EMBEDDINGS ending in .csv, .arrow or .parquet."),
    ] = None,
    query: Annotated[
        Path | None, typer.Option(help="Without a data set: embeddings of the queries, with records.")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(help="Without a data set: embeddings of the gallery, with records."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--reader", metavar="KEY=VALUE", help="An option of the data set's reader, like split=3."
        ),
    ] = None,
    similarity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"How embeddings are compared: {', '.join(SIMILARITIES)}. If left out, as the retriever "
            "says, or cosine.",
        ),
    ] = None,
    rerank: Annotated[
        RerankName | None,
        typer.Option(help="Show results with and without a re-ranking; if left out, the retriever's own."),
    ] = None,
    ap: Annotated[ApName, typer.Option(help="Average precision; MATLAB's original is the trapezoid.")] = (
        ApName.MEAN
    ),
    max_rank: Annotated[int, typer.Option(min=1, max=100_000, help="Length of the CMC curve.")] = 50,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Also by groups of queries: camera, kind, …")
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Average the embeddings of a track, whose rows agree in it, as tracklet."
        ),
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Also 95 % intervals, by drawing persons anew.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="Where a retriever computes: cpu, cuda, or auto, the default.")
    ] = None,
    flip: Flip = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--save",
            help="Keep results query by query: in a folder, or the last one in a file that ends in .json.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Measure a retriever, or saved embeddings of any model, by a data set's protocols.

    Example: glimpse evaluate colors --data occluded_duke:worlds/duke --rerank k-reciprocal

    Saved embeddings, found by the paths in the records beside them:
    glimpse evaluate osnet.safetensors --data market1501:data/Market-1501-v15.09.15

    Without a data set, two tables are compared by Market-1501's rule:
    glimpse evaluate --query query.npz --gallery gallery.npz
    """
    from glimpse.evaluation.result import notes, table

    measured, own = _inputs(
        source, data, protocol, records, query, gallery, options or [], device, flip, similarity
    )
    if out is not None and out.suffix == ".json" and len(measured) > 1:
        from glimpse.errors import OptionError

        names = ", ".join(one.protocol.name for one in measured)
        raise OptionError(f"{out} can hold one protocol's result, not those of {names}: give a folder")
    if own is None and similarity is None and any(side.masks is not None for side in measured[0].pair):
        typer.echo(
            "these embeddings have masks and do not say how they are compared: the cosine leaves the masks "
            "out, --similarity masked-cosine uses them",
            err=True,
        )
    compared = comparing(own, similarity, rerank)
    if pool is not None:
        measured = [of_tracks(one, pool) for one in measured]
    figures: dict[str, Any] = {}
    said: dict[str, None] = {}  # what is to be known of several protocols is said once
    for note in notes_on_reranking(measured, compared):
        typer.echo(note, err=True)
    for one in measured:
        results = _results(one, compared, ap, max_rank)
        groups = _groups(results, one, by)
        if out is not None:
            _keep(results, one.protocol.name, out)
        figures[one.protocol.name] = _figures(results, groups, intervals)
        if as_json:
            continue
        typer.echo(f"protocol {one.protocol.name}")
        typer.echo(table({**results, **groups}, noted=False))
        said |= dict.fromkeys(notes({**results, **groups}))
        for name, result in results.items() if intervals else ():
            shown = [f"{measure} {interval}" for measure, interval in _intervals(result).items()]
            typer.echo(f"95 % intervals, {name}: {', '.join(shown)}")
    for note in said:
        typer.echo(note)
    if as_json:
        typer.echo(json.dumps({"protocols": figures}, indent=2, ensure_ascii=False))


def _inputs(
    source: str | None,
    data: str | None,
    protocol: str | None,
    records: Path | None,
    query: Path | None,
    gallery: Path | None,
    options: list[str],
    device: str | None,
    flip: bool,
    similarity: str | None,
) -> tuple[list[Measured], Comparing | None]:
    """What is measured, and how a retriever wants its embeddings to be compared."""
    from glimpse.errors import OptionError

    def only(what: str, **given: object) -> None:
        for option, value in given.items():
            if value:
                raise OptionError(f"--{option} goes with {what}")

    if source is not None and data is not None and query is None and gallery is None:
        if is_retriever(source):
            only("EMBEDDINGS, not with a retriever", records=records)
            return of_retriever(source, device or "auto", flip, read_source(data, options), protocol)
        only("a retriever, not with EMBEDDINGS", device=device, flip=flip)
        one, own = of_embeddings(Path(source), records, read_source(data, options), protocol)
        return [one], own
    if query is not None and gallery is not None and source is None and data is None:
        elsewhere = "--data, not with --query and --gallery"
        only(elsewhere, protocol=protocol, records=records, reader=options, device=device, flip=flip)
        one, own = of_two_tables(query, gallery, similarity)
        return [one], own
    raise OptionError("give either RETRIEVER or EMBEDDINGS with --data, or --query with --gallery")


def _results(one: Measured, compared: Comparing, ap: ApName, max_rank: int) -> Results:
    """The plain result, and the re-ranked one below it."""
    from rich.console import Console

    from glimpse.evaluation import AveragePrecision, evaluate_reranked
    from glimpse.evaluation import evaluate as measure

    variant, (name, similarity) = AveragePrecision(ap.value), compared.similarity
    with Console(stderr=True).status("evaluating"):
        results = {
            name: measure(one.pair, one.protocol, similarity=similarity, ap=variant, max_rank=max_rank)
        }
        if compared.reranker is not None:
            rerank, reranker = compared.reranker
            results[f"{name}, {rerank}"] = evaluate_reranked(
                one.pair, one.protocol, reranker, similarity=similarity, ap=variant, max_rank=max_rank
            )
    return results


def _groups(results: Results, measured: Measured, by: str | None) -> Results:
    """Each result by the groups of a column; shares between 0 and 1 are put into quarters."""
    if by is None:
        return {}
    from glimpse.evaluation import bins

    column = measured.protocol.query.column(by)
    group = bins(column, (0, 0.25, 0.5, 0.75, 1)) if column.dtype.kind == "f" else column
    return {
        f"{name}, {by} {value}": part
        for name, result in results.items()
        for value, part in result.by(group).items()
    }


def _keep(results: Results, protocol: str, out: Path) -> None:
    """Write results: each into a folder, or the last one into a file."""
    from glimpse.files import storage_error

    if out.suffix == ".json":
        list(results.values())[-1].save(out)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(out, error) from error
    for name, result in results.items():
        result.save(out / f"{protocol}-{name.replace(', ', '-')}.json")


def _intervals(result: Result) -> dict[str, Any]:
    import numpy as np

    return dict(result.intervals(np.random.default_rng(0)))


def _figures(results: Results, groups: Results, intervals: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from glimpse.evaluation.result import headline

    figures: dict[str, Any] = {
        "results": {name: headline(result) for name, result in results.items()},
        "groups": {name: headline(result) for name, result in groups.items()},
    }
    if intervals:
        figures["intervals"] = {
            name: {measure: asdict(interval) for measure, interval in _intervals(result).items()}
            for name, result in results.items()
        }
    return figures
