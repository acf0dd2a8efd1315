"""Verification: are these two the same person? The whole curve, exactly. Higher scores are more alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.evaluation.pairs import count_pairs
from glimpse.evaluation.sources import BLOCK_BYTES, Pairwise, ScoresOrEmbeddings, score_source
from glimpse.protocols import Protocol

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
