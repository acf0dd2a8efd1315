"""`ConflictPenalized`: a set similarity minus what the two images say that no one person ever did (MoS)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity.base import Scores, Similarity, Tile, TileScorer
from glimpse.similarity.cooccurrence import CoOccurrencePrior, Headroom
from glimpse.similarity.selection import TopK
from glimpse.similarity.sets import check_not_negative


class Reduce(Enum):
    """SUM is the literal double sum over channels; MEAN divides it by C^2, so that weights compare."""

    SUM = "sum"
    MEAN = "mean"


@dataclass(frozen=True)
class ConflictPenalized(Similarity):
    """S = J - weight * CP, CP the conflict with a co-occurrence prior (set-jaccard.md, "Conflict penalty").

    `top_k` computes CP for a shortlist only and is exact all the same: since CP >= 0, a row outside the
    shortlist scores at most the shortlist's last J; as long as the k-th result is not above that, the
    shortlist is doubled. `pairwise` computes CP for every pair, which takes long on a large gallery.

    Attributes:
        similarity: J, `SetJaccard`.
        prior: of the training set.
        weight: lambda, at least 0; `calibrate` chooses it. 0 costs nothing.
        epsilon: tolerance on the scaled activations (our choice; the source gives none).
        reduce: over channel pairs (our choice: MEAN).
        shortlist: the first length of the shortlist (our choice).
    """

    similarity: Similarity
    prior: CoOccurrencePrior
    weight: float
    epsilon: float = 0.1
    reduce: Reduce = Reduce.MEAN
    shortlist: int = 200

    def __post_init__(self) -> None:
        if not self.weight >= 0 or not self.epsilon >= 0 or self.shortlist < 1:
            raise OptionError(
                "weight and epsilon must be at least 0 and shortlist at least 1, got "
                f"{self.weight}, {self.epsilon} and {self.shortlist}"
            )

    @property
    def device(self) -> str:  # type: ignore[override]
        """That of J; the conflicts are always computed on the CPU."""
        return self.similarity.device

    @cached_property
    def headroom(self) -> Headroom:
        """The channel pairs that can conflict, found once."""
        return self.prior.headroom(self.epsilon)

    def check(self, query: Embeddings, gallery: Embeddings) -> None:
        """Refuse other channels than the prior's, and negative activations."""
        self.similarity.check(query, gallery)
        if query.dim != len(self.prior.together):
            raise ShapeError(
                f"the prior knows {len(self.prior.together)} channels, got vectors of {query.dim}"
            )
        check_not_negative("query vectors", query.vectors)
        check_not_negative("gallery vectors", gallery.vectors)

    def scorer(self, query: Tile) -> TileScorer:
        """J minus the conflict of every pair."""
        plain = self.similarity.scorer(query)
        if self.weight == 0:
            return plain

        def score(gallery: Tile) -> torch.Tensor:
            scores = plain(gallery)
            vectors = query.vectors.numpy(force=True), gallery.vectors.numpy(force=True)
            columns = np.broadcast_to(np.arange(len(gallery)), (len(query), len(gallery)))
            conflicts = self._conflicts(*vectors, columns)
            return scores - torch.from_numpy(conflicts).to(scores.device)

        return score

    def distances(self, scores: Scores) -> Scores:
        """As for J, 1 - s; above 1 where the conflict outweighs J."""
        return 1 - scores

    def top_k(self, query: Embeddings, gallery: Embeddings, k: int) -> TopK:
        """The exact k best, from shortlists that double until they suffice."""
        if self.weight == 0:
            return self.similarity.top_k(query, gallery, k)
        self.check(query, gallery)
        columns = min(k, len(gallery))
        best = TopK(np.empty((len(query), columns), np.float32), np.empty((len(query), columns), np.int64))
        undecided = np.arange(len(query)) if columns else np.arange(0)
        width = max(self.shortlist, k)
        while len(undecided):
            some = query[undecided]
            found = self.similarity.top_k(some, gallery, width)
            scores = found.scores - self._conflicts(some.vectors, gallery.vectors, found.rows)
            order = np.lexsort((found.rows, -scores), axis=1)[:, :columns]
            best.scores[undecided] = np.take_along_axis(scores, order, 1)
            best.rows[undecided] = np.take_along_axis(found.rows, order, 1)
            # on equality a row outside could win the tie
            decided = best.scores[undecided, -1] > found.scores[:, -1]
            undecided = undecided[~decided] if width < len(gallery) else undecided[:0]
            width *= 2
        return best

    @property
    def note(self) -> str:
        """What must be told beside figures that `shortlisted` gives."""
        return f"the penalty orders the first {self.shortlist} of each query" if self.weight else ""

    def shortlisted(self, query: Embeddings, gallery: Embeddings) -> Scores:
        """[Q, G] scores for a whole ranking: S orders each query's shortlist, J what comes behind it.

        CP of all pairs of a benchmark takes hours. What is behind the shortlist is moved down until all of
        it is; within the shortlist the scores are S.
        """
        scores = self.similarity.pairwise(query, gallery)
        if self.weight == 0 or not scores.size:
            return scores
        self.check(query, gallery)
        width = min(self.shortlist, len(gallery))
        first = np.sort(np.argpartition(-scores, width - 1, axis=1)[:, :width], axis=1)
        found = np.take_along_axis(scores, first, 1) - self._conflicts(query.vectors, gallery.vectors, first)
        np.put_along_axis(scores, first, -np.inf, 1)
        behind = scores.max(1) - found.min(1)
        scores -= np.where(behind >= 0, behind + 1, 0)[:, None]
        np.put_along_axis(scores, first, found, 1)
        return scores

    def _conflicts(
        self, query: NDArray[np.floating], gallery: NDArray[np.floating], columns: NDArray[np.int64]
    ) -> Scores:
        """Weight * CP of each query with its own gallery rows [Q, m]."""
        starts = np.arange(len(query) + 1) * columns.shape[1]
        penalties = self.headroom.penalties(query, gallery, starts, columns.ravel())
        per = len(self.prior.together) ** 2 if self.reduce is Reduce.MEAN else 1
        return (penalties * (self.weight / per)).reshape(columns.shape).astype(np.float32)


def fit_conflict(
    similarity: Similarity,
    training: Embeddings,
    persons: ArrayLike,
    rng: np.random.Generator,
    held_out: float = 0.2,
    *,
    epsilon: float = 0.1,
    shortlist: int = 200,
) -> ConflictPenalized:
    """A conflict penalty whose weight is chosen on training persons that its prior has not seen.

    Args:
        similarity: J.
        training: [N, C] features.
        persons: [N].
        rng: draws the persons that are held out.
        held_out: their share (our choice); at most 1,000 of their rows are used.
        epsilon: see `ConflictPenalized`.
        shortlist: likewise.

    Returns:
        The penalty with the prior of all persons; its weight is 0 where no weight was better than none.
    """
    persons = np.asarray(persons)
    names = np.unique(persons)
    kept_back = rng.choice(names, max(1, round(held_out * len(names))), replace=False)
    aside = np.flatnonzero(np.isin(persons, kept_back))
    rest = np.flatnonzero(~np.isin(persons, kept_back))
    if len(aside) > 1000:
        aside = np.sort(rng.choice(aside, 1000, replace=False))
    prior = CoOccurrencePrior.fit(training.vectors[rest], persons[rest])
    penalized = ConflictPenalized(similarity, prior, 1.0, epsilon=epsilon, shortlist=shortlist)
    chosen = calibrate(penalized, training[aside], persons[aside])
    whole = CoOccurrencePrior.fit(training.vectors, persons, scale=prior.scale)
    return replace(chosen, prior=whole)


def calibrate(penalized: ConflictPenalized, held_out: Embeddings, persons: ArrayLike) -> ConflictPenalized:
    """The same penalty with the weight that ranks held-out persons best by mAP.

    Every row queries all others. The grid is logarithmic, 1e-3 to 1e1 of the inverse 95th percentile of CP
    over each row's ten hardest negatives (set-jaccard.md, "Conflict penalty"); weight 0 wins ties.
    """
    persons = np.asarray(persons)
    same = persons[:, None] == persons
    plain = penalized.similarity.pairwise(held_out, held_out)
    unweighted = replace(penalized, weight=1.0)
    columns = np.broadcast_to(np.arange(len(held_out)), same.shape)
    conflicts = unweighted._conflicts(held_out.vectors, held_out.vectors, columns)
    hardest = np.argsort(np.where(same, np.inf, -plain), axis=1, kind="stable")[:, :10]
    typical = float(np.percentile(np.take_along_axis(conflicts, hardest, 1), 95)) if same.size else 0.0
    weights = [0.0, *(np.logspace(-3, 1, 17) / typical if typical > 0 else [])]
    measured = [_mean_average_precision(plain - np.float32(weight) * conflicts, same) for weight in weights]
    return replace(penalized, weight=float(weights[int(np.argmax(measured))]))


def _mean_average_precision(scores: Scores, same: NDArray[np.bool_]) -> float:
    """Of every row against all other rows; rows without a match are left out."""
    itself = np.eye(len(scores), dtype=bool)
    order = np.argsort(np.where(itself, np.inf, -scores), axis=1, kind="stable")[:, :-1]
    hits = np.take_along_axis(same, order, 1)
    precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
    matched = hits.any(1)
    if not matched.any():
        return 0.0
    return float(((precision * hits).sum(1)[matched] / hits.sum(1)[matched]).mean())
