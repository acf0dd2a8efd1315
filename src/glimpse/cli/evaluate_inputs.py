"""What `glimpse evaluate` measures: protocols with embeddings of their rows, and how these are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from glimpse.cli.options import load_retriever

if TYPE_CHECKING:
    from glimpse.datasets import Dataset
    from glimpse.embeddings import Embeddings
    from glimpse.protocols import Protocol
    from glimpse.records import Records
    from glimpse.reranking import Reranker
    from glimpse.similarity import Similarity


class RerankName(StrEnum):
    """What is shown beside the plain result."""

    NONE = "none"
    SIM = "sim"
    SIM_REGDB = "sim-regdb"
    K_RECIPROCAL = "k-reciprocal"


@dataclass(frozen=True, eq=False)
class Comparing:
    """How embeddings are compared, with the names that tables show.

    Attributes:
        similarity: its name and itself.
        reranker: likewise, or None.
    """

    similarity: tuple[str, Similarity]
    reranker: tuple[str, Reranker] | None


@dataclass(frozen=True, eq=False)
class Measured:
    """A protocol and the embeddings of its query and its gallery rows."""

    protocol: Protocol
    pair: tuple[Embeddings, Embeddings]


def is_retriever(source: str) -> bool:
    """Whether EMBEDDINGS|RETRIEVER is a retriever: a folder or a shipped name; else it must be embeddings."""
    from glimpse.embeddings import ENDINGS
    from glimpse.errors import OptionError
    from glimpse.files import printable, user_path
    from glimpse.retriever.folder import shipped

    path = user_path(source)
    if path.is_dir() or source in shipped():
        return True
    if path.suffix not in ENDINGS:
        raise OptionError(
            f"{printable(source)} is neither a file of embeddings ({', '.join(ENDINGS)}) nor a retriever: "
            f"a folder, or one that comes with Glimpse ({', '.join(shipped())})"
        )
    return False


def of_retriever(
    source: str, device: str, flip: bool, dataset: Dataset, protocol: str | None
) -> tuple[list[Measured], Comparing]:
    """Every protocol of the data set, or the named one, embedded and compared as the card says."""
    from glimpse.progress import terminal_bar
    from glimpse.retriever.protocol_embeddings import embed_protocols

    loaded = load_retriever(source, device=device, flip=flip)
    chosen = list(dataset.protocols.values()) if protocol is None else [dataset.protocol(protocol)]
    pairs = embed_protocols(loaded, chosen, progress=terminal_bar)
    measured = [Measured(one, pair) for one, pair in zip(chosen, pairs, strict=True)]
    return measured, _named(loaded.similarity, loaded.reranker)


def _named(similarity: Similarity, reranker: Reranker | None) -> Comparing:
    from glimpse.retriever.codec import RERANKERS, SIMILARITIES, to_json

    name = to_json(similarity, SIMILARITIES, {})["name"]
    if reranker is None:
        return Comparing((name, similarity), None)
    return Comparing((name, similarity), (to_json(reranker, RERANKERS, {})["name"], reranker))


def of_embeddings(
    source: Path, records: Path | None, dataset: Dataset, protocol: str | None
) -> tuple[Measured, Comparing | None]:
    """One protocol with saved embeddings, found by the paths in their records; compared as they say."""
    from glimpse.evaluation.alignment import rows_by_path, without_missing_junk

    embeddings, saved = load_with_records(source, records)
    chosen, missing = without_missing_junk(dataset.protocol(protocol), saved, dataset.root)
    if missing:
        typer.echo(f"{missing} gallery rows of nobody (junk) have no embedding; they count nowhere", err=True)
    pair = (
        embeddings[rows_by_path(chosen.query, saved, dataset.root, "query")],
        embeddings[rows_by_path(chosen.gallery, saved, dataset.root, "gallery")],
    )
    return Measured(chosen, pair), _saved_comparing(source)


def of_two_tables(query: Path, gallery: Path, similarity: str | None) -> tuple[Measured, Comparing | None]:
    """Market-1501's rule over two saved tables, compared as both say unless a similarity is named."""
    from glimpse.protocols import single_query

    (queries, query_rows), (found, gallery_rows) = (load_with_records(path) for path in (query, gallery))
    measured = Measured(single_query(query_rows, gallery_rows), (queries, found))
    return measured, _agreed(query, gallery, similarity)


def _agreed(query: Path, gallery: Path, similarity: str | None) -> Comparing | None:
    from glimpse.errors import OptionError
    from glimpse.files import printable
    from glimpse.retriever.codec import read_comparison, same_comparison

    said = [own for path in (query, gallery) if (own := read_comparison(path)) is not None]
    if len(said) == 2 and not same_comparison(*said):
        if similarity is None:
            raise OptionError(
                f"{printable(query)} and {printable(gallery)} say that they are compared in different ways: "
                "embed both with one retriever, or name a --similarity"
            )
        return None
    return _named(*said[0]) if said else None


def _saved_comparing(path: Path) -> Comparing | None:
    from glimpse.retriever.codec import read_comparison

    said = read_comparison(path)
    return None if said is None else _named(*said)


def of_tracks(measured: Measured, column: str) -> Measured:
    """The same, tracks in place of their frames."""
    from glimpse.evaluation.pooling import pooled

    return Measured(*pooled(measured.protocol, measured.pair, column))


def notes_on_reranking(measured: Sequence[Measured], compared: Comparing) -> Iterator[str]:
    """A sentence where a gallery is smaller than the neighborhoods that a re-ranking looks at."""
    from glimpse.reranking import SimilarityInference

    name, reranker = compared.reranker or ("", None)
    if not isinstance(reranker, SimilarityInference):
        return
    for one in measured:
        rows = min(len(one.protocol.comparison(trial).gallery_rows) for trial in one.protocol.trials)
        if rows < reranker.neighborhood:
            yield (
                f"protocol {one.protocol.name}: {name} looks at the {reranker.neighborhood} nearest gallery "
                f"rows, and there are only {rows}: everybody is everybody's neighbor, so it can tell little"
            )


def load_with_records(path: Path, records: Path | None = None) -> tuple[Embeddings, Records]:
    """Embeddings and the records that lie beside them."""
    from glimpse.embeddings import ROWS, Embeddings, read_about
    from glimpse.errors import OptionError, ShapeError, StorageError
    from glimpse.files import printable
    from glimpse.records import Records

    embeddings = Embeddings.load(path)
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
    if read_about(path).get(ROWS, table.digest) != table.digest:
        raise StorageError(
            f"{printable(records)} is not the table of {printable(path)}: it lists other images than those "
            "that were embedded, or in another order; embed them again"
        )
    return embeddings, table


def comparing(own: Comparing | None, similarity: str | None, rerank: RerankName | None) -> Comparing:
    """What is asked for by name, else the retriever's own, else the plain cosine."""
    from glimpse.reranking import KReciprocal, SimilarityInference
    from glimpse.similarity.registry import named_similarity

    if own is None or (similarity is not None and own.similarity[0] != similarity):
        name = similarity or "cosine"
        compared: tuple[str, Similarity] = name, named_similarity(name)
    else:
        compared = own.similarity
    if rerank is None:
        return Comparing(compared, own.reranker if own else None)
    if rerank is RerankName.NONE:
        return Comparing(compared, None)
    rerankers: dict[RerankName, Reranker] = {
        RerankName.SIM: SimilarityInference.sysu(),
        RerankName.SIM_REGDB: SimilarityInference.regdb(),
        RerankName.K_RECIPROCAL: KReciprocal(),
    }
    return Comparing(compared, (rerank.value, rerankers[rerank]))
