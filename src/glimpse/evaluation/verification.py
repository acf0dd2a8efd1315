"""Verification: same person or not, over all pairs; the ROC curve from exact counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.compiled import PIECES_PER_THREAD, compiled, over_pieces
from glimpse.errors import OptionError
from glimpse.evaluation.kernels import gather_row
from glimpse.evaluation.ranking import offsets_of, queries_of, refuse_nan
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

PIECES = 2 * PIECES_PER_THREAD
"""Tables of counts that threads fill side by side; their sum does not depend on who filled which."""


class PairCounts(NamedTuple):
    """How the pairs of a protocol, over all its trials, fall about the genuine scores.

    Attributes:
        thresholds: [K] the distinct genuine scores, falling.
        genuine: [K] genuine pairs with at least that score; the last is all of them.
        impostor: [K] impostor pairs with at least that score.
        impostors: all impostor pairs.
    """

    thresholds: NDArray[np.float64]
    genuine: IntArray
    impostor: IntArray
    impostors: int


def count_pairs(source: ScoreSource, protocol: Protocol) -> PairCounts:
    """Go through the scores twice: for the genuine ones, then to count the impostors."""
    indexes = [index_trial(protocol.comparison(trial)) for trial in protocol.trials]
    found: list[FloatArray] = [np.empty(0)]
    for block in source.blocks():
        found += [_genuine(block, index) for index in indexes]
    rising, times = np.unique(np.concatenate(found).astype(np.float64), return_counts=True)
    between = np.zeros(len(rising) + 1, np.int64)
    if len(rising):
        for block in source.blocks():
            for index in indexes:
                between += _between(block, index, rising)
    return PairCounts(
        rising[::-1].copy(), np.cumsum(times[::-1]), np.cumsum(between[:0:-1]), int(between.sum())
    )


def _genuine(block: Block, index: TrialIndex) -> FloatArray:
    """Scores of the genuine pairs of a block."""
    chosen = queries_of(block, index)
    offsets = offsets_of(index.matches[chosen])
    scores = np.empty(offsets[-1], block.scores.dtype)
    nan_at = np.full(len(offsets) - 1, -1, np.int64)

    over_pieces(
        _gather_genuine,
        len(nan_at),
        block.scores,
        block.start,
        index,
        chosen.start,
        offsets,
        scores,
        nan_at,
    )
    refuse_nan(nan_at, index, chosen.start)
    return scores


def _between(block: Block, index: TrialIndex, rising: NDArray[np.float64]) -> IntArray:
    """How many impostor pairs of a block reach exactly the first k of the rising scores, [K + 1]."""
    chosen = queries_of(block, index)
    count = chosen.stop - chosen.start
    tables = np.zeros((min(count, PIECES), len(rising) + 1), np.int64)

    def work(first: int, last: int) -> None:
        for piece in range(first, last):
            begin, end = (chosen.start + count * edge // len(tables) for edge in (piece, piece + 1))
            _count_impostors(begin, end, block.scores, block.start, index, rising, tables[piece])

    over_pieces(work, len(tables))
    total: IntArray = tables.sum(axis=0)
    return total


@compiled
def _gather_genuine(
    first: int,
    last: int,
    scores: FloatArray,
    start: int,
    index: TrialIndex,
    first_query: int,
    offsets: IntArray,
    genuine: FloatArray,
    nan_at: IntArray,
) -> None:
    """Fill `genuine` with the scores of right answers that count; arguments as in `rank_matches`."""
    persons, keys = index.persons, index.keys
    values = np.empty(index.columns.shape[0], scores.dtype)
    for n in range(first, last):
        q = first_query + n
        nan_at[n] = gather_row(scores, index.query_rows[q] - start, index.columns, values)
        if index.matches[q] > 0:
            place, p = offsets[n], persons.of_query[q]
            for r in range(persons.start[p], persons.start[p + 1]):
                i = persons.rows[r]
                if keys.of_gallery[i] != keys.of_query[q]:
                    genuine[place] = values[i]
                    place += 1


@compiled
def _count_impostors(
    first: int,
    last: int,
    scores: FloatArray,
    start: int,
    index: TrialIndex,
    rising: FloatArray,
    between: IntArray,
) -> None:
    """Count in `between[k]` the impostor scores that reach exactly the first k of `rising`."""
    persons, keys = index.persons, index.keys
    for q in range(first, last):
        row, key, own = index.query_rows[q] - start, keys.of_query[q], persons.of_query[q]
        for j in range(index.columns.shape[0]):
            if keys.of_gallery[j] == key or persons.of_gallery[j] == own:
                continue
            value = scores[row, index.columns[j]]
            low = 0
            if value >= rising[0]:
                high = rising.shape[0]
                while low < high:
                    middle = (low + high) // 2
                    if rising[middle] <= value:
                        low = middle + 1
                    else:
                        high = middle
            between[low] += 1


Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Roc:
    """A pair is accepted if its score is at least a threshold. Only at genuine scores can more be accepted
    rightly, so the curve has a point at each of them and nothing is lost between.

    Attributes:
        thresholds: [K] the distinct genuine scores, falling.
        true_match: [K] share of genuine pairs accepted, rising to 1.
        false_match: [K] share of impostor pairs accepted, rising.
        genuine: how many pairs of one person there were.
        impostors: how many pairs of two.
    """  # noqa: D205

    thresholds: Floats
    true_match: Floats
    false_match: Floats
    genuine: int
    impostors: int

    def at(self, false_match: float) -> int:
        """The point that accepts the most genuine pairs without passing a false-match rate; -1 for none."""
        if not 0 <= false_match <= 1:
            raise OptionError(f"a false-match rate must lie in 0..1, got {false_match}")
        return int(np.searchsorted(self.false_match, false_match, side="right")) - 1

    def true_match_at(self, false_match: float) -> float:
        """TPR at FPR: the share of genuine pairs accepted at this false-match rate or below."""
        point = self.at(false_match)
        return float(self.true_match[point]) if point >= 0 else 0.0

    @property
    def equal_error(self) -> float:
        """The least that the larger of both errors, false matches and false non-matches, can be."""
        return float(np.minimum(1.0, np.maximum(self.false_match, 1 - self.true_match)).min())


def roc(
    scores: ScoresOrEmbeddings,
    protocol: Protocol,
    *,
    similarity: Pairwise | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Roc:
    """Compare every query with every gallery row that counts for it, over all trials.

    Args:
        scores: as in `evaluate`.
        protocol: who is compared; sampling is ignored, as every pair is looked at.
        similarity: compares the embeddings; None for a matrix.
        block_bytes: how much of the scores of embeddings is held at a time.
    """
    source = score_source(scores, len(protocol.query), len(protocol.gallery), similarity, block_bytes)
    counts = count_pairs(source, protocol)
    if not len(counts.thresholds) or counts.impostors == 0:
        missing = "impostor" if len(counts.thresholds) else "genuine"
        raise OptionError(f"protocol {protocol.name} has no {missing} pair to verify")
    genuine = int(counts.genuine[-1])
    return Roc(
        counts.thresholds,
        counts.genuine / genuine,
        counts.impostor / counts.impostors,
        genuine,
        counts.impostors,
    )
