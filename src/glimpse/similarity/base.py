"""`Similarity`: what every similarity is, and the tiles in which each of them is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.embeddings import Embeddings, FloatArray
from glimpse.errors import OptionError, ShapeError
from glimpse.similarity.selection import TopK, best_so_far

Scores = NDArray[np.float32]

# our choice: 16 MiB of scores on a CPU, 256 MiB on a GPU; a tile of converted vectors is at most 64 MiB
CPU_TILE, GPU_TILE, VECTOR_TILE = 2**22, 2**26, 2**24
QUERY_BLOCK = 4096
# our choice: pairs that are asked for one by one are scored in blocks of so many rows and pairs
PAIR_ROWS, PAIR_BLOCK = 64, 2048


@dataclass(frozen=True, eq=False)
class Tile:
    """Some rows of `Embeddings` as float32 tensors on the computing device."""

    vectors: torch.Tensor
    masks: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.vectors)


TileScorer = Callable[[Tile], torch.Tensor]


class Similarity(ABC):
    """Scores between two `Embeddings`; higher is better.

    A similarity says how some queries score a tile of the gallery (`scorer`); the loops over tiles,
    which never hold more than one tile of scores beside the result, are here and shared by all.
    Scores are float32 whatever the embeddings are.
    """

    device: str

    @property
    def symmetric(self) -> bool:
        """Whether query and gallery may change places: then neighbors within a set cost half."""
        return True

    @abstractmethod
    def scorer(self, query: Tile) -> TileScorer:
        """Prepare [Q, D] queries once; the function returned maps a [g, D] tile to [Q, g] scores."""

    @abstractmethod
    def distances(self, scores: Scores) -> Scores:
        """The distances >= 0, of the scores' shape, that a re-ranking works with; lower is better."""

    def check(self, query: Embeddings, gallery: Embeddings) -> None:
        """Refuse embeddings that this similarity cannot compare."""
        if query.dim != gallery.dim:
            raise ShapeError(f"query and gallery must have one dimension, got {query.dim} and {gallery.dim}")

    def pairwise(self, query: Embeddings, gallery: Embeddings) -> Scores:
        """All scores, [Q, G]."""
        self.check(query, gallery)
        scores = torch.empty(len(query), len(gallery))
        for rows, columns, tile in tiles(self, query, gallery):
            scores[rows, columns] = tile
        return scores.numpy()

    def top_k(self, query: Embeddings, gallery: Embeddings, k: int) -> TopK:
        """The k best gallery rows of each query, best first; never holds Q x G.

        Equal scores are ordered by gallery row. A gallery shorter than k gives G columns.
        """
        return self.scan(query, gallery, k)[0]

    def scan(self, query: Embeddings, gallery: Embeddings, k: int) -> tuple[TopK, Scores]:
        """As `top_k`, with each query's lowest score [Q] (+inf where the gallery is empty)."""
        self.check(query, gallery)
        if k < 0:
            raise OptionError(f"k must be at least 0, got {k}")
        best = best_so_far(len(query), min(k, len(gallery)), torch.device(self.device))
        for rows, columns, tile in tiles(self, query, gallery):
            best.add(rows, columns.start, tile)
        return best.result()

    def pairs(
        self,
        query: Embeddings,
        gallery: Embeddings,
        starts: NDArray[np.integer],
        columns: NDArray[np.integer],
    ) -> Scores:
        """Scores of chosen pairs only: query i with gallery rows `columns[starts[i]:starts[i + 1]]`.

        Args:
            query: [Q] rows.
            gallery: [G] rows.
            starts: [Q + 1] offsets into `columns`.
            columns: [P] gallery rows.

        Returns:
            [P] scores, aligned with `columns`.
        """
        self.check(query, gallery)
        scores = np.empty(len(columns), np.float32)
        row_of = np.repeat(np.arange(len(query)), np.diff(starts))
        first = 0
        while first < len(query):
            # some rows at a time against all that any of them wants: fewer, larger products
            wanted = int(np.searchsorted(starts, starts[first] + PAIR_BLOCK, side="right")) - 1
            last = max(first + 1, min(wanted, first + PAIR_ROWS))
            chosen = slice(int(starts[first]), int(starts[last]))
            if chosen.start < chosen.stop:
                needed, place = np.unique(columns[chosen], return_inverse=True)
                score = self.scorer(tile_of(query, slice(first, last), self.device))
                block = score(tile_of(gallery, needed, self.device)).numpy(force=True)
                scores[chosen] = block[row_of[chosen] - first, place]
            first = last
        return scores


def tiles(
    similarity: Similarity, query: Embeddings, gallery: Embeddings
) -> Iterator[tuple[slice, slice, torch.Tensor]]:
    """Every (query rows, gallery rows, scores) tile; for one block of queries, gallery rows ascend."""
    budget = CPU_TILE if torch.device(similarity.device).type == "cpu" else GPU_TILE
    for rows in blocks(len(query), QUERY_BLOCK):
        score = similarity.scorer(tile_of(query, rows, similarity.device))
        width = min(budget // (rows.stop - rows.start), VECTOR_TILE // max(1, gallery.dim))
        for columns in blocks(len(gallery), max(64, width)):
            yield rows, columns, score(tile_of(gallery, columns, similarity.device))


def blocks(count: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover `range(count)`.

    >>> list(blocks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def tile_of(embeddings: Embeddings, rows: slice | NDArray[np.integer], device: str) -> Tile:
    """The chosen rows on the device as float32; on a CPU without a copy where that is possible."""
    masks = None if embeddings.masks is None else _tensor(embeddings.masks[rows], device)
    return Tile(_tensor(embeddings.vectors[rows], device), masks)


def _tensor(values: FloatArray, device: str) -> torch.Tensor:
    values = np.asarray(values, np.float32)
    # torch warns about read-only memory (a memory map): a tile of it is copied
    return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)
