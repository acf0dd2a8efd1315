"""`glimpse evaluate`: measure saved embeddings, of any model, by a published protocol."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from glimpse.embeddings import Embeddings
    from glimpse.evaluation import Result
    from glimpse.protocols import Protocol
    from glimpse.records import Records
    from glimpse.reranking import Reranker
    from glimpse.similarity import Similarity


class SimilarityName(StrEnum):
    """How embeddings are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"
    MASKED_COSINE = "masked-cosine"
    JACCARD = "jaccard"


class RerankName(StrEnum):
    """What is shown beside the plain result."""

    NONE = "none"
    SIM = "sim"
    K_RECIPROCAL = "k-reciprocal"


class ApName(StrEnum):
    """Which average precision."""

    MEAN = "mean"
    TRAPEZOID = "trapezoid"


def evaluate(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="EMBEDDINGS", help="A .safetensors or .npz with `vectors` and perhaps `masks`."
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME:DIR", help="The data set that was embedded.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="One of the data set's protocols; the first if left out.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="A row per embedding; if left out, EMBEDDINGS ending in .csv, .arrow or .parquet."),
    ] = None,
    query: Annotated[
        Path | None, typer.Option(help="Without a data set: embeddings that ask, with records.")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(help="Without a data set: embeddings that are searched, with records."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the data set's reader, like split=3."),
    ] = None,
    similarity: Annotated[
        SimilarityName, typer.Option(help="How embeddings are compared.")
    ] = SimilarityName.COSINE,
    rerank: Annotated[
        RerankName, typer.Option(help="Show the result with and without a re-ranking.")
    ] = RerankName.NONE,
    ap: Annotated[ApName, typer.Option(help="Average precision; MATLAB's original is the trapezoid.")] = (
        ApName.MEAN
    ),
    max_rank: Annotated[int, typer.Option(help="Length of the CMC curve.")] = 50,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Also by groups of queries: camera, kind, …")
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Also 95 % intervals, by drawing persons anew.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Keep the last result as JSON, query by query.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Measure saved embeddings, of any model, by a data set's protocol.

    Example: glimpse evaluate osnet.safetensors --data market1501:data/Market-1501-v15.09.15

    Without a data set, two tables are compared by Market-1501's rule:
    glimpse evaluate --query query.npz --gallery gallery.npz
    """
    from glimpse.evaluation.report import table

    measured, pair = _inputs(source, data, protocol, records, query, gallery, options or [])
    results = _results(measured, pair, similarity, rerank, ap, max_rank)
    groups = {f"{name}, {by} {group}": part for name, group, part in _groups(results, measured, by)}
    if save is not None:
        list(results.values())[-1].save(save)
    if as_json:
        typer.echo(json.dumps(_figures(results, groups, intervals), indent=2, ensure_ascii=False))
        return
    typer.echo(f"protocol {measured.name}")
    typer.echo(table({**results, **groups}))
    if intervals:
        for name, result in results.items():
            shown = [f"{measure} {interval}" for measure, interval in _intervals(result).items()]
            typer.echo(f"95 % intervals, {name}: {', '.join(shown)}")


def _inputs(
    source: Path | None,
    data: str | None,
    protocol: str | None,
    records: Path | None,
    query: Path | None,
    gallery: Path | None,
    options: list[str],
) -> tuple[Protocol, tuple[Embeddings, Embeddings]]:
    """The protocol, and the embeddings of its query and gallery rows."""
    from glimpse.errors import OptionError
    from glimpse.protocols import single_query

    if source is not None and data is not None and query is None and gallery is None:
        return _from_dataset(source, data, protocol, records, options)
    if query is not None and gallery is not None and source is None and data is None:
        for option, value in (("--protocol", protocol), ("--records", records), ("--set", options)):
            if value:
                raise OptionError(f"{option} goes with --data, not with --query and --gallery")
        (asked, query_rows), (searched, gallery_rows) = _saved(query, None), _saved(gallery, None)
        return single_query(query_rows, gallery_rows), (asked, searched)
    raise OptionError("give either EMBEDDINGS with --data, or --query with --gallery")


def _from_dataset(
    source: Path, data: str, protocol: str | None, records: Path | None, options: list[str]
) -> tuple[Protocol, tuple[Embeddings, Embeddings]]:
    import warnings

    from glimpse.datasets import DatasetWarning, reader
    from glimpse.datasets.source import parse_source
    from glimpse.evaluation.alignment import rows_by_path
    from glimpse.options import typed_options

    name, root = parse_source(data)
    read = reader(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        dataset = read(root, **typed_options(read, options))
    for problem in dataset.problems:
        typer.echo(f"problem: {problem}", err=True)
    measured = dataset.protocol(protocol)
    embeddings, saved = _saved(source, records)
    pair = (
        embeddings[rows_by_path(measured.query, saved, dataset.root, "query")],
        embeddings[rows_by_path(measured.gallery, saved, dataset.root, "gallery")],
    )
    return measured, pair


def _saved(path: Path, records: Path | None) -> tuple[Embeddings, Records]:
    """Embeddings and the records that lie beside them."""
    from glimpse.embeddings_io import load_embeddings
    from glimpse.errors import OptionError, ShapeError
    from glimpse.records import Records

    embeddings = load_embeddings(path)
    if records is None:
        beside = [path.with_suffix(ending) for ending in (".csv", ".arrow", ".parquet")]
        found = [table for table in beside if table.is_file()]
        if len(found) != 1:
            names = ", ".join(table.name for table in beside)
            raise OptionError(f"{path} needs its records beside it, one of {names}; found {len(found)}")
        records = found[0]
    table = Records.load(records)
    if len(table) != len(embeddings):
        raise ShapeError(f"{path.name} has {len(embeddings)} rows, but {records.name} has {len(table)}")
    return embeddings, table


def _results(
    protocol: Protocol,
    pair: tuple[Embeddings, Embeddings],
    similarity: SimilarityName,
    rerank: RerankName,
    ap: ApName,
    max_rank: int,
) -> dict[str, Result]:
    """The plain result, and the re-ranked one below it."""
    from rich.console import Console

    from glimpse.evaluation import AveragePrecision, evaluate_reranked
    from glimpse.evaluation import evaluate as measure

    variant = AveragePrecision(ap.value)
    compared, reranking = _similarity(similarity), _reranker(rerank)
    with Console(stderr=True).status("evaluating"):
        results = {
            similarity.value: measure(pair, protocol, similarity=compared, ap=variant, max_rank=max_rank)
        }
        if reranking is not None:
            results[f"{similarity.value}, {rerank.value}"] = evaluate_reranked(
                pair, protocol, reranking, similarity=compared, ap=variant, max_rank=max_rank
            )
    return results


def _similarity(name: SimilarityName) -> Similarity:
    from glimpse.similarity import Cosine, Euclidean, MaskedCosine, SetJaccard

    makers: dict[SimilarityName, type[Similarity]] = {
        SimilarityName.COSINE: Cosine,
        SimilarityName.EUCLIDEAN: Euclidean,
        SimilarityName.MASKED_COSINE: MaskedCosine,
        SimilarityName.JACCARD: SetJaccard,
    }
    return makers[name]()


def _reranker(name: RerankName) -> Reranker | None:
    if name is RerankName.NONE:
        return None
    from glimpse.reranking import KReciprocal, SimilarityInference

    return SimilarityInference() if name is RerankName.SIM else KReciprocal()


def _groups(results: dict[str, Result], protocol: Protocol, by: str | None) -> list[tuple[str, Any, Result]]:
    """Each result by the groups of a column; shares between 0 and 1 are put into quarters."""
    if by is None:
        return []
    from glimpse.evaluation import bins

    column = protocol.query.column(by)
    group = bins(column, (0, 0.25, 0.5, 0.75, 1)) if column.dtype.kind == "f" else column
    return [
        (name, value, part) for name, result in results.items() for value, part in result.by(group).items()
    ]


def _intervals(result: Result) -> dict[str, Any]:
    import numpy as np

    return dict(result.intervals(np.random.default_rng(0)))


def _figures(results: dict[str, Result], groups: dict[str, Result], intervals: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from glimpse.evaluation.storage import headline

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
