"""`SimilarityInference` (SIM): scores from the graph of the gallery and from mutual neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from glimpse.choices import SimPreset
from glimpse.compiled import over_pieces
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.reranking.k_reciprocal_sets import compressed, entries, neighbor_weights
from glimpse.reranking.neighbors import (
    Distances,
    EmbeddedSearch,
    MatrixSearch,
    NeighborSearch,
    check_distances,
)
from glimpse.reranking.sim_kernels import (
    FEW,
    LANES,
    few_shortest_paths,
    mutual,
    shortest_paths,
    shortest_paths_in_place,
)
from glimpse.similarity.base import Scores, Similarity

# the squared distance of opposite unit vectors (sim.md, "At scale")
FARTHEST_SQUARE = 4.0
# our choice: neighbors kept beyond those needed, because expanded sets look their distances up in the lists
SPARE = 3
EMPTY_LISTS = np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32)


class Mode(Enum):
    """Whether the graph step updates all columns at once or one after the other.

    SIMULTANEOUS is the paper's equation and independent of the gallery's order. RELEASED overwrites column
    by column, as the authors' code does, so that later columns see smoothed distances.
    """

    SIMULTANEOUS = "simultaneous"
    RELEASED = "released"


class Norm(Enum):
    """What a query's squared distances are divided by: its own farthest one (released), or the constant 4."""

    ROWMAX = "rowmax"
    CONST = "const"


class Steps(Enum):
    """Which steps run: for the ablations, the graph step or the mutual neighbors alone."""

    BOTH = "both"
    GRAPH = "graph"
    MUTUAL = "mutual"


@dataclass(frozen=True, eq=False)
class GallerySide:
    """The gallery side of SIM, computed once; its size is O(G), not O(G^2).

    Attributes:
        size: G.
        near: [n, G'] int32, the n nearest rows of each row, itself first; G' is G in whole lanes.
        steps: [n, G'] float32, their distances.
        starts: [G + 1] offsets of each row t into `holders`.
        holders: [P] int32, the rows i whose expanded reciprocal set holds t.
        weights: [P] float32, V_it.
    """

    size: int
    near: NDArray[np.int32]
    steps: Distances
    starts: NDArray[np.int64]
    holders: NDArray[np.int32]
    weights: Distances

    @classmethod
    def of(cls, rows: NDArray[np.int32], distances: Distances, weights: csr_array) -> GallerySide:
        """From the n nearest rows of each row, itself first, [G, n], their distances, and V [G, G]."""
        size, count = rows.shape
        padded = -(-size // LANES) * LANES
        near = np.zeros((count, padded), np.int32)
        steps = np.zeros((count, padded), np.float32)
        near[:, :size], steps[:, :size] = rows.T, distances.T
        return cls(size, near, steps, *compressed(weights.tocsc()))


@dataclass(frozen=True)
class SimilarityInference:
    """Similarity inference metric (sim.md): graph reasoning, then mutual nearest neighbors.

    The graph step replaces d(q, j) by the mean of the K shortest paths from q to j over one gallery row,
    d(q, t) + weight * d(t, j), t among j's nearest. The mutual step compares the nearest rows of q with the
    expanded reciprocal set of each j, a soft Jaccard distance; `alpha` mixes both. Queries are independent
    of each other.

    The distances are at least 0, smaller is nearer, d(j, j) = 0; the source's are Euclidean distances of
    unit vectors. `scores` makes them from any similarity with its `distances`. Equal distances are ordered
    by gallery row.

    Attributes:
        weight: lambda of gallery edges.
        paths: K.
        neighbors: j's nearest rows, itself included, over which a path may lead; G or more for all.
            Part of the method: with a small weight and all rows the same K would serve every j.
        k_query: k_q, the query's nearest rows.
        k_gallery: k_g, of the reciprocal sets.
        alpha: share of the squared, normalized distance; the rest is the mutual distance.
        mode: of the graph step.
        norm: of the squared distances of the query; CONST suits unit vectors alone.
        k_plus_self: whether lists hold k + 1 rows (the released code: k and the first, or itself) or k.
        steps: which steps run.
    """

    # read in the authors' code: the values for SYSU-MM01
    weight: float = 0.01
    paths: int = 9
    neighbors: int = 20
    k_query: int = 12
    k_gallery: int = 20
    alpha: float = 0.3
    mode: Mode = Mode.SIMULTANEOUS  # our choice: the equation rather than the release
    norm: Norm = Norm.ROWMAX
    k_plus_self: bool = True
    steps: Steps = Steps.BOTH

    def __post_init__(self) -> None:
        for name in ("paths", "neighbors", "k_query", "k_gallery"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.weight < 0 or not 0 <= self.alpha <= 1:
            raise OptionError(
                f"weight must be at least 0 and alpha in [0, 1], got {self.weight} and {self.alpha}"
            )

    @property
    def neighborhood(self) -> int:
        """The largest number of nearest gallery rows that are needed."""
        lists = (entries(k, self.k_plus_self) for k in (self.k_query, self.k_gallery))
        return max(self.neighbors, *lists)

    @property
    def list_length(self) -> int:
        """How many neighbors of a gallery row are looked up, spare ones included."""
        return max(self.neighbors, SPARE * entries(self.k_gallery, self.k_plus_self))

    @classmethod
    def sysu(cls) -> SimilarityInference:
        """The authors' values for SYSU-MM01."""
        return cls()

    @classmethod
    def regdb(cls) -> SimilarityInference:
        """The authors' values for RegDB."""
        return cls(weight=0.1, paths=5, k_query=9, alpha=0.7)

    @classmethod
    def of(cls, preset: SimPreset) -> SimilarityInference:
        """The authors' values by the name of the data set."""
        return cls.sysu() if preset is SimPreset.SYSU else cls.regdb()

    def prepare(self, gallery: Embeddings, similarity: Similarity) -> GallerySide:
        """The gallery side of embeddings under any similarity."""
        return self._side(EmbeddedSearch([gallery], similarity))

    def prepare_distances(self, distances: NDArray[np.floating]) -> GallerySide:
        """The gallery side of given distances [G, G] within the gallery."""
        return self._side(MatrixSearch([[distances]]))

    def rerank(self, distances: NDArray[np.floating], side: GallerySide) -> Scores:
        """Better scores [Q, G], higher is better: minus SIM's distance.

        Args:
            distances: [Q, G] from queries to the prepared gallery; left as they are.
            side: of that gallery, from `prepare` with the same parameters.
        """
        check_distances(distances, (len(distances), side.size))
        result = np.array(distances, np.float32, order="C")
        if not result.size:
            return result
        if self.steps is not Steps.MUTUAL:
            paths = min(self.paths, len(side.near))
            few = paths <= FEW and len(side.near) <= 2 * FEW
            walk = few_shortest_paths if few else shortest_paths
            if self.mode is Mode.RELEASED:
                walk = shortest_paths_in_place
            over_pieces(walk, len(result), result, side.near, side.steps, np.float32(self.weight), paths)
        if self.steps is not Steps.GRAPH:
            longest = min(entries(self.k_query, self.k_plus_self), side.size)
            square = 0.0 if self.norm is Norm.ROWMAX else FARTHEST_SQUARE
            sets = side.starts, side.holders, side.weights
            over_pieces(mutual, len(result), result, *sets, longest, square, float(self.alpha))
        return np.negative(result, out=result)

    def scores(self, query: Embeddings, gallery: Embeddings, similarity: Similarity) -> Scores:
        """Better scores [Q, G] than the similarity's own."""
        side = self.prepare(gallery, similarity)
        return self.rerank(similarity.distances(similarity.pairwise(query, gallery)), side)

    def _side(self, search: NeighborSearch) -> GallerySide:
        count = min(self.neighbors, search.sizes[0])
        if not count:
            return GallerySide.of(*EMPTY_LISTS, csr_array(EMPTY_LISTS[1]))
        near = search.neighbors(self.list_length)
        weights = neighbor_weights(search, near, self.k_gallery, self.k_plus_self)
        return GallerySide.of(near.rows[:, :count], near.distances[:, :count], weights)
