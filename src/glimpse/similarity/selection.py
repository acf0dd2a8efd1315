"""The k best of a stream of score tiles, ties to the smaller gallery row, without sorting the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.compiled import compiled, over_pieces

# our choice: up to here shifting a sorted list costs less than selecting from composed keys
LONGEST_LIST = 256


@dataclass(frozen=True, eq=False)
class TopK:
    """The best gallery rows of each query, best first.

    Attributes:
        scores: [Q, k] float32, not ascending.
        rows: [Q, k] int64 gallery rows; equal scores in ascending order of row.
    """

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


class BestSoFar(Protocol):
    """A running selection, fed with tiles whose gallery rows ascend for each query."""

    def add(self, rows: slice, first_column: int, tile: torch.Tensor) -> None:
        """Take in the scores [q, g] of query `rows` with gallery rows from `first_column` on."""
        ...

    def result(self) -> tuple[TopK, NDArray[np.float32]]:
        """The selection, and the lowest score that each query has met."""
        ...


def best_so_far(queries: int, k: int, device: torch.device) -> BestSoFar:
    """An empty selection of k per query: sorted lists for a short k on a CPU, composed keys otherwise."""
    if device.type == "cpu" and k <= LONGEST_LIST:
        return SortedLists(queries, k)
    return ComposedKeys(queries, k, device)


class SortedLists:
    """One short sorted list per query; almost every score fails one comparison and is forgotten."""

    def __init__(self, queries: int, k: int) -> None:
        self._scores = np.full((queries, k), -np.inf, np.float32)
        # rows of an unfilled place come last among equals, should a score be -inf itself
        self._rows = np.full((queries, k), np.iinfo(np.int64).max, np.int64)
        self._lowest = np.full(queries, np.inf, np.float32)

    def add(self, rows: slice, first_column: int, tile: torch.Tensor) -> None:
        """Take in a tile."""
        scores = tile.contiguous().numpy()  # torch transposes in blocks, numpy does not
        mine = self._scores[rows], self._rows[rows], self._lowest[rows]
        over_pieces(_insert, len(scores), scores, first_column, *mine)

    def result(self) -> tuple[TopK, NDArray[np.float32]]:
        """The lists and the lowest scores."""
        return TopK(self._scores, self._rows), self._lowest


@compiled
def _insert(first, last, tile, first_column, scores, rows, lowest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Insert a tile into the sorted lists: a tie stays behind what is there, whose row is smaller."""
    k = scores.shape[1]
    for q in range(first, last):
        low = lowest[q]
        worst = scores[q, k - 1] if k else np.float32(np.inf)
        for g in range(tile.shape[1]):
            score = tile[q, g]
            low = min(low, score)
            if score > worst:
                place = k - 1
                while place > 0 and scores[q, place - 1] < score:
                    scores[q, place] = scores[q, place - 1]
                    rows[q, place] = rows[q, place - 1]
                    place -= 1
                scores[q, place] = score
                rows[q, place] = first_column + g
                worst = scores[q, k - 1]
        lowest[q] = low


class ComposedKeys:
    """Score and row in one int64, so that `topk` on any device breaks ties by row.

    The high half orders like the float32 score, the low half like the row, downwards.
    """

    def __init__(self, queries: int, k: int, device: torch.device) -> None:
        self._keys = torch.full((queries, k), torch.iinfo(torch.int64).min, device=device)
        self._lowest = torch.full((queries,), torch.inf, device=device)

    def add(self, rows: slice, first_column: int, tile: torch.Tensor) -> None:
        """Take in a tile: its keys compete with the k best so far."""
        if tile.shape[1]:
            self._lowest[rows] = torch.minimum(self._lowest[rows], tile.amin(1))
        keys = torch.cat([self._keys[rows], _compose(tile, first_column)], 1)
        self._keys[rows] = keys.topk(self._keys.shape[1], 1).values

    def result(self) -> tuple[TopK, NDArray[np.float32]]:
        """The keys, taken apart, and the lowest scores."""
        scores, rows = _decompose(self._keys)
        lowest = self._lowest.numpy(force=True)
        return TopK(scores.numpy(force=True), rows.numpy(force=True)), lowest


def _compose(tile: torch.Tensor, first_column: int) -> torch.Tensor:
    bits = (tile.float() + 0.0).contiguous().view(torch.int32)  # + 0.0 makes -0.0 equal to 0.0
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    rows = torch.arange(first_column, first_column + tile.shape[1], device=tile.device)
    return (ordered << 32) + (0xFFFFFFFF - rows)


def _decompose(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    ordered = (keys >> 32).int()
    bits = torch.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered)
    return bits.view(torch.float32), 0xFFFFFFFF - (keys & 0xFFFFFFFF)
