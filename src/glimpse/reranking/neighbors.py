"""`NeighborSearch`: k nearest neighbors for re-rankings, without holding all pairwise distances."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings, check_finite
from glimpse.errors import ShapeError
from glimpse.similarity.base import Similarity, blocks, tile_of
from glimpse.similarity.selection import best_so_far

Distances = NDArray[np.float32]
RowScores = Callable[[int, slice], torch.Tensor]
KeepTile = Callable[[int, slice, int, slice, torch.Tensor], None]

# our choice: 16 MiB of scores per tile
BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest points of every point, itself first.

    Attributes:
        rows: [N, k] int32 points by (distance, number), after the point itself.
        distances: [N, k] float32, the first 0.
        farthest: [N] float32, the distance to the farthest point of all.
    """

    rows: NDArray[np.int32]
    distances: Distances
    farthest: Distances


class NeighborSearch(ABC):
    """k-nearest-neighbor search over points in one or two parts (queries, then gallery), numbered through.

    Attributes:
        sizes: points per part.
        symmetric: whether d(a, b) = d(b, a), so that only half of the tiles are needed.
    """

    sizes: tuple[int, ...]
    symmetric: bool
    device: str = "cpu"

    @abstractmethod
    def row(self, part: int, rows: slice) -> RowScores:
        """A function of (part, slice) that scores these points against those; nearer points score higher."""

    @abstractmethod
    def distances(self, scores: Distances) -> Distances:
        """The distances of such scores."""

    @abstractmethod
    def measure(
        self, part: int, other: int, starts: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Distances:
        """Distances [P] of point i of `part` with `columns[starts[i]:starts[i + 1]]` of `other`."""

    def neighbors(self, k: int, keep: KeepTile | None = None) -> Neighbors:
        """The k nearest of every point (fewer where there are fewer), itself included and first.

        Args:
            k: at least 1.
            keep: called with every tile of scores.
        """
        offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        count = int(offsets[-1])
        tiles = [(part, rows) for part, size in enumerate(self.sizes) for rows in blocks(size, BLOCK)]
        best = best_so_far(count, min(k, count), torch.device(self.device))
        for place, (part, rows) in enumerate(tiles):
            score = self.row(part, rows)
            ours = _shift(rows, offsets[part])
            # each point meets the others in ascending order either way, which ties rely on
            for other, columns in tiles[place:] if self.symmetric else tiles:
                tile = score(other, columns)
                theirs = _shift(columns, offsets[other])
                best.add(ours, theirs.start, tile)
                if self.symmetric and theirs != ours:
                    best.add(theirs, ours.start, tile.T)
                if keep:
                    keep(part, rows, other, columns, tile)
        found, lowest = best.result()
        return _itself_first(found.rows, self.distances(found.scores), self.distances(lowest))

    def between(self, near: Neighbors, starts: NDArray[np.int64], columns: NDArray[np.int64]) -> Distances:
        """Distances [P] of chosen pairs: looked up in the neighbor lists, measured where not there."""
        count = len(near.rows)
        point = np.repeat(np.arange(count), np.diff(starts))
        known = (np.arange(count)[:, None] * count + near.rows).ravel()
        order = np.argsort(known, kind="stable")
        wanted = point * count + columns
        place = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
        distances: Distances = near.distances.ravel()[order[place]]
        missing = np.flatnonzero(known[order[place]] != wanted)
        offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        for part, other in np.ndindex(len(self.sizes), len(self.sizes)):
            within = missing[
                (point[missing] >= offsets[part])
                & (point[missing] < offsets[part + 1])
                & (columns[missing] >= offsets[other])
                & (columns[missing] < offsets[other + 1])
            ]
            per_point = np.bincount(point[within] - offsets[part], minlength=self.sizes[part])
            part_starts = np.concatenate([[0], np.cumsum(per_point)])
            distances[within] = self.measure(part, other, part_starts, columns[within] - offsets[other])
        return distances


class EmbeddedSearch(NeighborSearch):
    """Search over embeddings by a similarity; nothing of size N x N is held."""

    def __init__(self, parts: Sequence[Embeddings], similarity: Similarity) -> None:
        for part in parts:
            similarity.check(part, parts[-1])
        self._parts, self._similarity = parts, similarity
        self.sizes = tuple(len(part) for part in parts)
        self.symmetric, self.device = similarity.symmetric, similarity.device

    def row(self, part: int, rows: slice) -> RowScores:
        """The similarity's scorer."""
        score = self._similarity.scorer(tile_of(self._parts[part], rows, self.device))
        return lambda other, columns: score(tile_of(self._parts[other], columns, self.device))

    def distances(self, scores: Distances) -> Distances:
        """The similarity's distances."""
        return self._similarity.distances(scores)

    def measure(
        self, part: int, other: int, starts: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Distances:
        """Scores of these pairs alone."""
        scores = self._similarity.pairs(self._parts[part], self._parts[other], starts, columns)
        return self._similarity.distances(scores)


class MatrixSearch(NeighborSearch):
    """Search over given distances, [[D]] or [[query-query, query-gallery], [its transpose, gallery]]."""

    def __init__(self, grid: Sequence[Sequence[NDArray[np.floating]]]) -> None:
        self.sizes = tuple(len(row[0]) for row in grid)
        for row, size in zip(grid, self.sizes, strict=True):
            for matrix, other in zip(row, self.sizes, strict=True):
                check_distances(matrix, (size, other))
        self._grid = grid
        self.symmetric = False

    def row(self, part: int, rows: slice) -> RowScores:
        """Minus the distances."""

        def score(other: int, columns: slice) -> torch.Tensor:
            return torch.from_numpy(-np.asarray(self._grid[part][other][rows, columns], np.float32))

        return score

    def distances(self, scores: Distances) -> Distances:
        """The distances themselves."""
        return -scores

    def measure(
        self, part: int, other: int, starts: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Distances:
        """Read from the matrix."""
        point = np.repeat(np.arange(self.sizes[part]), np.diff(starts))
        return np.asarray(self._grid[part][other][point, columns], np.float32)


def check_distances(distances: NDArray[np.floating], shape: tuple[int, int]) -> None:
    """Refuse distances of another shape, below zero or not finite."""
    if distances.shape != shape:
        raise ShapeError(f"distances must be {list(shape)}, got {list(distances.shape)}")
    check_finite("distances", distances)
    if distances.size and distances.min() < 0:
        raise ShapeError(f"distances must be at least 0, got {distances.min()}")


def _shift(rows: slice, offset: int) -> slice:
    return slice(rows.start + int(offset), rows.stop + int(offset))


def _itself_first(rows: NDArray[np.int64], distances: Distances, farthest: Distances) -> Neighbors:
    """Lists that begin with the point itself at distance 0, before its duplicates, whatever rounding gave."""
    itself = np.arange(len(rows))[:, None]
    absent = ~(rows == itself).any(1)
    distances = np.where(rows == itself, np.float32(-1), distances)
    # so many duplicates of smaller number that the point is not in its own list: it takes the last place
    rows[absent, -1], distances[absent, -1] = np.flatnonzero(absent), -1
    order = np.lexsort((rows, distances), axis=1)
    rows, distances = np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
    np.maximum(distances, 0, out=distances)
    return Neighbors(rows.astype(np.int32), distances, farthest)
