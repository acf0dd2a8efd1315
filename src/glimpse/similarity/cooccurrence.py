"""`CoOccurrencePrior`: which patterns training has ever shown on one person, and what breaks that rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.compiled import compiled, over_pieces
from glimpse.embeddings import FloatArray
from glimpse.errors import ShapeError

Float32 = NDArray[np.float32]
# our choice (set-jaccard.md, "Conflict penalty"): raw activations reach hundreds, of which exp would overflow
SCALE_PERCENTILE = 99.9


@dataclass(frozen=True, eq=False)
class CoOccurrencePrior:
    """The largest co-occurrence of each two channels within one training person.

    The prior is M_ij = max over training pairs of one person of u_i u_j, u the union (maximum) of the pair.
    For non-negative features the maximum factorizes inside a person: with m the maximum over the person's
    images it is max over persons of m_i m_j, exactly (set-jaccard.md, "Conflict penalty"), so that no pair is
    formed.

    Attributes:
        together: [C, C] float32, M on the scaled features clip(g / scale, 0, 1).
        scale: one number for all channels.

    >>> prior = CoOccurrencePrior.fit(np.array([[1, 0, 0.5], [0, 1, 0.5]]), [0, 1], scale=1)
    >>> sum_over_channels = prior.penalty(np.array([0.9, 0, 0.4]), np.array([[0.1, 0.8, 0.4]]), 0.1)
    >>> sum_over_channels.round(6)
    array([1.717856])
    """

    together: Float32
    scale: float

    def __post_init__(self) -> None:
        together = self.together
        if together.ndim != 2 or together.shape[0] != together.shape[1] or together.dtype != np.float32:
            raise ShapeError(f"a prior must be float32 [C, C], got {together.dtype} {list(together.shape)}")
        if not np.all(together >= 0) or not 0 < self.scale < np.inf:
            raise ShapeError(
                "a prior must be non-negative and its scale above 0, got "
                f"{together.min(initial=0)} and {self.scale}"
            )

    @classmethod
    def fit(cls, features: FloatArray, persons: ArrayLike, scale: float | None = None) -> CoOccurrencePrior:
        """The prior of training features.

        Args:
            features: [N, C], non-negative.
            persons: [N], the person of each row.
            scale: what one full activation is; by default the 99.9th percentile of the features.
        """
        persons = np.asarray(persons)
        if features.ndim != 2 or persons.shape != (len(features),) or not features.size:
            raise ShapeError(
                f"features must be [N, C], not empty, with N persons, got {list(features.shape)} and "
                f"{list(persons.shape)}"
            )
        scale = float(np.percentile(features, SCALE_PERCENTILE) or 1.0) if scale is None else float(scale)
        order = np.argsort(persons, kind="stable")
        _, first = np.unique(persons[order], return_index=True)
        highest = np.maximum.reduceat(_scaled(features[order], scale), first, axis=0)
        together = np.zeros((features.shape[1],) * 2, np.float32)
        over_pieces(_raise_to_products, len(together), highest, together)
        return cls(together, scale)

    def update(self, features: FloatArray) -> CoOccurrencePrior:
        """The prior with the features [n, C] of one more person (or of more images of all of one)."""
        highest = _scaled(features, self.scale).max(0)
        return CoOccurrencePrior(np.maximum(self.together, np.outer(highest, highest)), self.scale)

    @property
    def ceiling(self) -> Float32:
        """The highest scaled activation [C] that each channel has ever had; the root of M_ii is exact."""
        return np.sqrt(np.diagonal(self.together))

    def headroom(self, epsilon: float) -> Headroom:
        """The channel pairs that can break the rule at all, for activations up to the ceiling."""
        ceiling = self.ceiling
        found: list[tuple[NDArray[np.int64], Float32]] = []
        for channel in range(len(ceiling)):
            bounds = self.together[channel, channel + 1 :] + np.float32(epsilon)
            other = np.flatnonzero(ceiling[channel] * ceiling[channel + 1 :] > bounds)
            ascending = np.argsort(bounds[other], kind="stable")
            found.append((other[ascending] + channel + 1, bounds[other[ascending]]))
        starts = np.cumsum([0, *(len(others) for others, _ in found)])
        others = np.concatenate([others for others, _ in found]).astype(np.int32)
        bounds = np.concatenate([bounds for _, bounds in found]).astype(np.float32)
        return Headroom(ceiling, self.scale, starts, others, bounds)

    def penalty(self, query: FloatArray, candidates: FloatArray, epsilon: float) -> NDArray[np.float64]:
        """The conflict [R] of one query [C] with candidates [R, C]; many queries: `Headroom.penalties`."""
        pairs = np.array([0, len(candidates)]), np.arange(len(candidates))
        return self.headroom(epsilon).penalties(query[None], candidates, *pairs)


@dataclass(frozen=True, eq=False)
class Headroom:
    """The channel pairs i < j whose ceilings allow M_ij + epsilon to be passed, by rising M_ij + epsilon.

    Activations are cut at the ceiling ("a pattern cannot be more present than ever observed"), with
    which leaving out all other pairs, and the diagonal, is exact.

    Attributes:
        ceiling: [C] highest scaled activation of each channel.
        scale: of the activations.
        starts: [C + 1] offsets of each i.
        others: [P] the j of each pair.
        bounds: [P] M_ij + epsilon, ascending for one i.
    """

    ceiling: Float32
    scale: float
    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    bounds: Float32

    def penalties(
        self,
        query: FloatArray,
        gallery: FloatArray,
        starts: NDArray[np.integer],
        columns: NDArray[np.integer],
    ) -> NDArray[np.float64]:
        """CP = sum over i, j of max(0, exp(u_i u_j - M_ij - epsilon) - 1) of chosen pairs, u their union.

        Args:
            query: [Q, C] activations.
            gallery: [G, C] activations.
            starts: [Q + 1] offsets into `columns`.
            columns: [P] gallery rows; those of query i are `columns[starts[i]:starts[i + 1]]`.

        Returns:
            [P], aligned with `columns`.
        """
        penalties = np.zeros(len(columns))
        cut = [np.minimum(_scaled(part, self.scale), self.ceiling) for part in (query, gallery)]
        row_of = np.repeat(np.arange(len(query)), np.diff(starts))
        rows = np.asarray(columns, np.int64)
        rule = self.starts, self.others, self.bounds
        over_pieces(_conflicts, len(columns), *cut, row_of, rows, *rule, penalties)
        return penalties


def _scaled(features: FloatArray, scale: float) -> Float32:
    scaled = np.asarray(features, np.float32) / np.float32(scale)
    return np.clip(scaled, np.float32(0), np.float32(1), out=scaled)


@compiled
def _raise_to_products(first, last, highest, together):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Raise M to max over persons of m_i m_j; one row of M stays in the first-level cache."""
    for i in range(first, last):
        for person in range(highest.shape[0]):
            ours = highest[person, i]
            if ours > 0:
                for j in range(together.shape[1]):
                    together[i, j] = max(together[i, j], ours * highest[person, j])


@compiled
def _conflicts(first, last, query, gallery, rows, columns, starts, others, bounds, penalties):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    channels = query.shape[1]
    for pair in range(first, last):
        union = np.empty(channels, np.float32)
        highest = np.float32(0)
        for c in range(channels):
            union[c] = max(query[rows[pair], c], gallery[columns[pair], c])
            highest = max(highest, union[c])
        total = 0.0
        for i in range(channels):
            # the bounds ascend: no later pair of channel i can fire with any activation of this union
            reach = union[i] * highest
            for p in range(starts[i], starts[i + 1]):
                if reach <= bounds[p]:
                    break
                excess = union[i] * union[others[p]] - bounds[p]
                if excess > 0:
                    total += np.expm1(np.float64(excess))
        penalties[pair] = 2 * total  # i < j stands for both orders
