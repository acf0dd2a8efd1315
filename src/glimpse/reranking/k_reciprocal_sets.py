"""Expanded k-reciprocal sets: mutual nearest neighbors, with those of theirs that mostly agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from glimpse.compiled import compiled, over_pieces
from glimpse.reranking.neighbors import Distances, Neighbors, NeighborSearch
from glimpse.similarity.base import blocks


def entries(k: int, k_plus_self: bool) -> int:
    """The length of a neighbor list for k: k + 1 with the point itself on top, or k."""
    return k + 1 if k_plus_self else k


def expanded_sets(
    lists: NDArray[np.int32], k1: int, k_plus_self: bool, points: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """R*(i) of every point, or of the chosen ones (sim.md, "Mutual nearest neighbors").

    R(i) holds the t of i's list of k1 that have i in theirs. R*(i) adds the R of half the length of each
    member c, if more than two thirds of it lie in R(i).

    Args:
        lists: [N, >= entries(k1)] nearest points, the point itself first.
        k1: the neighborhood.
        k_plus_self: whether lists have k1 + 1 entries (the reference code) or k1.
        points: [P] whose sets are wanted; all N if not given.

    Returns:
        CSR offsets [P + 1] and members, ascending within a row.
    """
    wanted = np.arange(len(lists)) if points is None else points
    full = min(entries(k1, k_plus_self), lists.shape[1])
    # round half to even, as the reference code does
    half = min(entries(round(k1 / 2), k_plus_self), lists.shape[1])
    near = np.ascontiguousarray(lists[:, :full])
    halves = np.empty((len(lists), half), np.int32)
    half_sizes = np.empty(len(lists), np.int32)
    over_pieces(_reciprocal, len(near), near, half, halves, half_sizes)
    sizes, members = [np.zeros(1, np.int64)], [np.empty(0, np.int32)]
    for rows in blocks(len(wanted), 8192):
        room = np.empty((rows.stop - rows.start, full * (half + 1)), np.int32)
        filled = np.empty(len(room), np.int64)
        over_pieces(_expand, len(room), near, halves, half_sizes, wanted[rows], room, filled)
        sizes.append(filled)
        members.append(room[np.arange(room.shape[1]) < filled[:, None]])
    return np.cumsum(np.concatenate(sizes)), np.concatenate(members)


def neighbor_weights(search: NeighborSearch, near: Neighbors, k1: int, k_plus_self: bool) -> csr_array:
    """V [N, N] with V_it = exp(-d(i, t)^2 / farthest(i)^2) on R*(i), each row summing to 1."""
    starts, members = expanded_sets(near.rows, k1, k_plus_self)
    distances = search.between(near, starts, members.astype(np.int64))
    count = len(near.rows)
    return csr_array((soft_members(distances, near.farthest, starts), members, starts), shape=(count, count))


def soft_members(distances: Distances, farthest: Distances, starts: NDArray[np.int64]) -> Distances:
    """exp(-(d / farthest)^2) of the members of some sets, none of them empty, each summing to 1.

    Args:
        distances: [M] of the members.
        farthest: [P] of each set's point.
        starts: [P + 1] offsets of the sets.
    """
    scale = np.where(farthest > 0, farthest, 1)
    weights = np.exp(-np.square(distances / np.repeat(scale, np.diff(starts))))
    if len(weights):
        weights /= np.repeat(np.add.reduceat(weights, starts[:-1]), np.diff(starts))
    return np.asarray(weights, np.float32)


def compressed(matrix: csr_array | csc_array) -> tuple[NDArray[np.int64], NDArray[np.int32], Distances]:
    """Offsets, places and values of a sparse matrix, in fixed dtypes, so that kernels compile once."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)


@compiled
def _reciprocal(first, last, near, length, found, sizes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The members of each point's list of this length that have the point in theirs."""
    for i in range(first, last):
        size = 0
        for p in range(length):
            t = near[i, p]
            for s in range(length):
                if near[t, s] == i:
                    found[i, size] = t
                    size += 1
                    break
        sizes[i] = size


@compiled
def _expand(first, last, near, halves, half_sizes, points, members, sizes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    length = near.shape[1]
    for row in range(first, last):
        i = points[row]
        own = 0
        for p in range(length):
            t = near[i, p]
            for s in range(length):
                if near[t, s] == i:
                    members[row, own] = t
                    own += 1
                    break
        size = own
        for m in range(own):
            c = members[row, m]
            common = 0
            for p in range(half_sizes[c]):
                for s in range(own):
                    if members[row, s] == halves[c, p]:
                        common += 1
                        break
            if 3 * common > 2 * half_sizes[c]:
                for p in range(half_sizes[c]):
                    members[row, size] = halves[c, p]
                    size += 1
        # ascending and once each: insertion, because most of what comes is there already
        kept = 0
        for p in range(size):
            new = members[row, p]
            place = kept
            while place > 0 and members[row, place - 1] > new:
                place -= 1
            if place == 0 or members[row, place - 1] != new:
                for s in range(kept, place, -1):
                    members[row, s] = members[row, s - 1]
                members[row, place] = new
                kept += 1
        sizes[row] = kept
