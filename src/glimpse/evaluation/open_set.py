"""Open-set identification: FPIR and FNIR where the gallery may lack the query's person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.compiled import compiled, over_pieces
from glimpse.errors import OptionError
from glimpse.evaluation.kernels import gather_row
from glimpse.evaluation.ranking import queries_of, rank_protocol, refuse_nan
from glimpse.evaluation.sources import (
    BLOCK_BYTES,
    Block,
    FloatArray,
    Pairwise,
    ScoresOrEmbeddings,
    ScoreSource,
    score_source,
)
from glimpse.evaluation.trial_index import TrialIndex, index_trial
from glimpse.protocols import Protocol
from glimpse.records import IntArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Searches of persons who are in the gallery and of persons who are not. Higher scores are more alike.

    A query whose person has no gallery row that counts is a stranger.

    Attributes:
        max_rank: a person is found only among the first so many.
        stranger: [s] the best score that each stranger's search gave, rising; minus infinity if the
            gallery is empty.
        known: [n] the score of each known person's best right answer, rising; minus infinity where it
            stands behind `max_rank`.
    """

    max_rank: int
    stranger: Floats
    known: Floats

    def false_positive_rate(self, threshold: float) -> float:
        """FPIR: the share of strangers for whom something scores at least the threshold."""
        return 1 - float(np.searchsorted(self.stranger, threshold, side="left")) / len(self.stranger)

    def false_negative_rate(self, threshold: float) -> float:
        """FNIR: the share of known persons who are not found: too far back, or below the threshold."""
        missed = np.searchsorted(self.known, threshold, side="left")
        never = np.count_nonzero(np.isneginf(self.known))
        return float(max(missed, never)) / len(self.known)

    def threshold_at(self, false_positive: float) -> float:
        """The lowest score of a known person whose FPIR does not pass `false_positive`; infinity if none."""
        if not 0 <= false_positive <= 1:
            raise OptionError(f"a false-positive rate must lie in 0..1, got {false_positive}")
        candidates = self.known[np.isfinite(self.known)]
        rates = 1 - np.searchsorted(self.stranger, candidates, side="left") / len(self.stranger)
        fitting = candidates[rates <= false_positive]
        return float(fitting[0]) if len(fitting) else float("inf")

    def false_negative_at(self, false_positive: float) -> float:
        """FNIR at FPIR: the share of known persons missed when at most so many strangers are found."""
        return self.false_negative_rate(self.threshold_at(false_positive))


def open_set(
    scores: ScoresOrEmbeddings,
    protocol: Protocol,
    *,
    similarity: Pairwise | None = None,
    max_rank: int = 1,
    block_bytes: int = BLOCK_BYTES,
) -> OpenSet:
    """Search for every query, whether or not its person is in the gallery, over all trials.

    Args:
        scores: as in `evaluate`.
        protocol: its queries may be of persons whom the gallery lacks.
        similarity: compares the embeddings; None for a matrix.
        max_rank: how many candidates a search gives; counted as the protocol's CMC counts.
        block_bytes: how much of the scores of embeddings is held at a time.
    """
    if max_rank < 1:
        raise OptionError(f"max_rank must be at least 1, got {max_rank}")
    source = score_source(scores, len(protocol.query), len(protocol.gallery), similarity, block_bytes)
    ranks = rank_protocol(source, protocol)
    indexes = [index_trial(protocol.comparison(trial)) for trial in protocol.trials]
    stranger, known = _best_scores(source, indexes)
    place = np.concatenate([trial.place for trial in ranks])
    found = np.where(place <= max_rank, known, -np.inf)
    for name, side in (("is in the gallery", known), ("is not in the gallery", stranger)):
        if not len(side):
            raise OptionError(f"protocol {protocol.name} has no query whose person {name}")
    return OpenSet(max_rank, np.sort(stranger), np.sort(found))


def _best_scores(source: ScoreSource, indexes: list[TrialIndex]) -> tuple[Floats, Floats]:
    """Best score of each stranger's search, and of each known person's right answers, by trial and row."""
    best: list[list[Floats]] = [[np.empty(0)] for _ in indexes]
    for block in source.blocks():
        for index, parts in zip(indexes, best, strict=True):
            parts.append(_best_of_block(block, index))
    stranger, known = [np.empty(0)], [np.empty(0)]
    for index, parts in zip(indexes, best, strict=True):
        values = np.concatenate(parts)
        stranger.append(values[index.matches == 0])
        known.append(values[index.matches > 0])
    return np.concatenate(stranger), np.concatenate(known)


def _best_of_block(block: Block, index: TrialIndex) -> Floats:
    chosen = queries_of(block, index)
    best = np.empty(chosen.stop - chosen.start)
    nan_at = np.full(len(best), -1, np.int64)

    over_pieces(_best_score, len(best), block.scores, block.start, index, chosen.start, best, nan_at)
    refuse_nan(nan_at, index, chosen.start)
    return best


@compiled
def _best_score(
    first: int,
    last: int,
    scores: FloatArray,
    start: int,
    index: TrialIndex,
    first_query: int,
    best: Floats,
    nan_at: IntArray,
) -> None:
    """Fill `best` [n] with the best score: of right answers if there are any, else of all that count."""
    persons, keys = index.persons, index.keys
    values = np.empty(index.columns.shape[0], scores.dtype)
    for n in range(first, last):
        q = first_query + n
        nan_at[n] = gather_row(scores, index.query_rows[q] - start, index.columns, values)
        best[n] = -np.inf
        known = index.matches[q] > 0
        for j in range(values.shape[0]):
            if keys.of_gallery[j] != keys.of_query[q] and (
                not known or persons.of_gallery[j] == persons.of_query[q]
            ):
                best[n] = max(best[n], values[j])
