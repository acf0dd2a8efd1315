"""Evaluation of a re-ranking: it looks at the whole gallery of a trial, so trials are scored one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar
from typing import Protocol as Interface

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError
from glimpse.evaluation.evaluate import evaluate
from glimpse.evaluation.metrics import AveragePrecision
from glimpse.evaluation.result import Result
from glimpse.evaluation.sources import FloatArray
from glimpse.protocols import Protocol, Trial

S = TypeVar("S", contravariant=True)
"""The kind of similarity that a re-ranking works with."""


class Rescore(Interface[S]):
    """What a re-ranking must offer to be evaluated."""

    def scores(self, query: Embeddings, gallery: Embeddings, similarity: S) -> FloatArray:
        """Scores [q, g], higher is better."""
        ...


def evaluate_reranked(
    embeddings: tuple[Embeddings, Embeddings],
    protocol: Protocol,
    reranking: Rescore[S],
    *,
    similarity: S,
    ap: AveragePrecision = AveragePrecision.MEAN,
    max_rank: int = 50,
) -> Result:
    """As `evaluate`, with scores that a re-ranking makes from the queries and gallery of each trial.

    Junk rows take no part; rows that do not count for a query do, as a real search has them too.
    Holds the scores of one trial.

    Args:
        embeddings: of `protocol.query` and of `protocol.gallery`.
        protocol: queries, gallery, and what counts.
        reranking: makes the scores.
        similarity: what the re-ranking starts from.
        ap: which average precision.
        max_rank: length of the CMC curve.
    """
    query, gallery = embeddings
    if (len(query), len(gallery)) != (len(protocol.query), len(protocol.gallery)):
        raise ShapeError(
            f"the protocol has {len(protocol.query)} query and {len(protocol.gallery)} gallery rows, "
            f"but there are {len(query)} and {len(gallery)} embeddings"
        )
    results = []
    for trial in protocol.trials:
        rows = protocol.comparison(trial).gallery_rows
        alone = replace(
            protocol,
            gallery=protocol.gallery[rows],
            query=protocol.query[trial.query],
            trials=(Trial(np.arange(len(trial.query)), np.arange(len(rows))),),
        )
        scores = reranking.scores(query[trial.query], gallery[rows], similarity)
        result = evaluate(scores, alone, ap=ap, max_rank=max_rank)
        results.append(
            replace(
                result,
                query=trial.query[result.query],
                skipped_query=trial.query[result.skipped_query],
            )
        )
    return _joined(results)


def _joined(results: list[Result]) -> Result:
    """Trials that were evaluated apart, as one result, sorted as `Result` promises."""
    columns: dict[str, Any] = {}
    for name in ("query", "person", "matches", "rank", "average_precision", "inp"):
        parts = [getattr(result, name)[np.argsort(result.query, kind="stable")] for result in results]
        columns[name] = np.concatenate(parts)
    return replace(
        results[0],
        trials=len(results),
        trial=np.repeat(np.arange(len(results)), [len(result) for result in results]),
        skipped_query=np.concatenate([np.sort(result.skipped_query) for result in results]),
        skipped_trial=np.repeat(np.arange(len(results)), [len(result.skipped_query) for result in results]),
        **columns,
    )
