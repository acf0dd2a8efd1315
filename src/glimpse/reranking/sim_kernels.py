"""The loops of SIM: K shortest paths over gallery neighbors, and overlaps of weighted sets."""

from __future__ import annotations

import numpy as np

from glimpse.compiled import compiled

# Our choice: so many columns go through the sorting network together.
LANES = 32
BOTH = 2 * LANES
FEW = 10
"""The most paths that `few_shortest_paths` keeps, of twice as many rows: the source has 9 of 20, and 5."""


@compiled
def shortest_paths(first, last, distances, near, steps, weight, paths):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Replace each row d [G] by the mean over the K smallest of d(t) + weight * step(t, j).

    Equations 1 to 5 of the source (sim.md, "Graph reasoning"). All columns read the distances as given.

    Args:
        first: query row.
        last: query row after the last.
        distances: [Q, G] float32, overwritten.
        near: [n, G'] int32 rows t of each column j.
        steps: [n, G'] float32 distances of t and j.
        weight: of a step.
        paths: K <= n.
    """
    hops, padded = near.shape
    count = distances.shape[1]
    for q in range(first, last):
        given = distances[q].copy()
        least = np.empty((paths, LANES), np.float32)
        path = np.empty(LANES, np.float32)
        for start in range(0, padded, LANES):
            least[:] = np.float32(np.inf)
            for hop in range(hops):
                for lane in range(LANES):
                    j = start + lane
                    path[lane] = given[near[hop, j]] + weight * steps[hop, j]
                for place in range(paths):
                    for lane in range(LANES):
                        new, old = path[lane], least[place, lane]
                        least[place, lane] = new if new < old else old
                        path[lane] = old if new < old else new
            for lane in range(min(LANES, count - start)):
                total = np.float32(0)
                for place in range(paths):
                    total += least[place, lane]
                distances[q, start + lane] = total / np.float32(paths)


@compiled
def few_shortest_paths(first, last, distances, near, steps, weight, paths):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """As `shortest_paths`, for at most `FEW` paths over at most twice `FEW` rows: five times as fast.

    The rows are two groups of ten, each sorted by a network of 29 exchanges in registers. The K smallest of
    two sorted groups a and b are min(a_i, b_(K - 1 - i)), i < K.
    """
    hops, padded = near.shape
    count = distances.shape[1]
    path = np.empty(FEW * BOTH, np.float32)  # [place, ten, lane]
    for q in range(first, last):
        given = distances[q].copy()
        for start in range(0, padded, LANES):
            for hop in range(hops):
                row = hop % FEW * BOTH + hop // FEW * LANES
                for lane in range(LANES):
                    path[row + lane] = given[near[hop, start + lane]] + weight * steps[hop, start + lane]
            for hop in range(hops, 2 * FEW):
                row = hop % FEW * BOTH + hop // FEW * LANES
                path[row : row + LANES] = np.float32(np.inf)
            for lane in range(BOTH):
                p0 = path[0 * BOTH + lane]
                p1 = path[1 * BOTH + lane]
                p2 = path[2 * BOTH + lane]
                p3 = path[3 * BOTH + lane]
                p4 = path[4 * BOTH + lane]
                p5 = path[5 * BOTH + lane]
                p6 = path[6 * BOTH + lane]
                p7 = path[7 * BOTH + lane]
                p8 = path[8 * BOTH + lane]
                p9 = path[9 * BOTH + lane]
                p0, p8 = min(p0, p8), max(p0, p8)
                p1, p9 = min(p1, p9), max(p1, p9)
                p2, p7 = min(p2, p7), max(p2, p7)
                p3, p5 = min(p3, p5), max(p3, p5)
                p4, p6 = min(p4, p6), max(p4, p6)
                p0, p2 = min(p0, p2), max(p0, p2)
                p1, p4 = min(p1, p4), max(p1, p4)
                p5, p8 = min(p5, p8), max(p5, p8)
                p7, p9 = min(p7, p9), max(p7, p9)
                p0, p3 = min(p0, p3), max(p0, p3)
                p2, p4 = min(p2, p4), max(p2, p4)
                p5, p7 = min(p5, p7), max(p5, p7)
                p6, p9 = min(p6, p9), max(p6, p9)
                p0, p1 = min(p0, p1), max(p0, p1)
                p3, p6 = min(p3, p6), max(p3, p6)
                p8, p9 = min(p8, p9), max(p8, p9)
                p1, p5 = min(p1, p5), max(p1, p5)
                p2, p3 = min(p2, p3), max(p2, p3)
                p4, p8 = min(p4, p8), max(p4, p8)
                p6, p7 = min(p6, p7), max(p6, p7)
                p1, p2 = min(p1, p2), max(p1, p2)
                p3, p5 = min(p3, p5), max(p3, p5)
                p4, p6 = min(p4, p6), max(p4, p6)
                p7, p8 = min(p7, p8), max(p7, p8)
                p2, p3 = min(p2, p3), max(p2, p3)
                p4, p5 = min(p4, p5), max(p4, p5)
                p6, p7 = min(p6, p7), max(p6, p7)
                p3, p4 = min(p3, p4), max(p3, p4)
                p5, p6 = min(p5, p6), max(p5, p6)
                path[0 * BOTH + lane] = p0
                path[1 * BOTH + lane] = p1
                path[2 * BOTH + lane] = p2
                path[3 * BOTH + lane] = p3
                path[4 * BOTH + lane] = p4
                path[5 * BOTH + lane] = p5
                path[6 * BOTH + lane] = p6
                path[7 * BOTH + lane] = p7
                path[8 * BOTH + lane] = p8
                path[9 * BOTH + lane] = p9
            for lane in range(min(LANES, count - start)):
                total = np.float32(0)
                for place in range(paths):
                    other = (paths - 1 - place) * BOTH + LANES + lane
                    total += min(path[place * BOTH + lane], path[other])
                distances[q, start + lane] = total / np.float32(paths)


@compiled
def shortest_paths_in_place(first, last, distances, near, steps, weight, paths):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """As `shortest_paths`, but column j is overwritten before column j + 1 is computed."""
    for q in range(first, last):
        least = np.empty(paths, np.float32)
        for j in range(distances.shape[1]):
            least[:] = np.float32(np.inf)
            for hop in range(near.shape[0]):
                path = distances[q, near[hop, j]] + weight * steps[hop, j]
                for place in range(paths):
                    old = least[place]
                    if path < old:
                        least[place] = path
                        path = old
            total = np.float32(0)
            for place in range(paths):
                total += least[place]
            distances[q, j] = total / np.float32(paths)


@compiled
def mutual(first, last, distances, starts, holders, weights, longest, square, alpha):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Replace each row d [G] by alpha * a + (1 - alpha) * d_M (sim.md, "Mutual nearest neighbors").

    a = d^2 / square. The query's set are its nearest rows t, weighted by exp(-a) with sum 1; its overlap
    with row i is m = sum over t of min(v_t, V_it), found by walking the columns t of V, and
    d_M = 1 - m / (2 - m).

    Args:
        first: query row.
        last: query row after the last.
        distances: [Q, G] float32, overwritten.
        starts: [G + 1] offsets of the columns of V.
        holders: [P] rows i of the entries.
        weights: [P] V_it.
        longest: size of the query's set, at most G.
        square: what squared distances are divided by; 0 for the row's largest.
        alpha: share of a.
    """
    count = distances.shape[1]
    for q in range(first, last):
        nearest = np.empty(longest, np.int64)
        filled = 0
        farthest = np.float32(0)
        for j in range(count):
            distance = distances[q, j]
            farthest = max(farthest, distance)
            if filled < longest or distance < distances[q, nearest[longest - 1]]:
                place = min(filled, longest - 1)
                while place > 0 and distances[q, nearest[place - 1]] > distance:
                    nearest[place] = nearest[place - 1]
                    place -= 1
                nearest[place] = j
                filled = min(filled + 1, longest)
        scale = square if square > 0 else np.float64(farthest) * farthest
        inverse = 1 / scale if scale > 0 else 0.0
        own = np.empty(longest)
        total = 0.0
        for p in range(longest):
            own[p] = np.exp(-inverse * np.float64(distances[q, nearest[p]]) ** 2)
            total += own[p]
        overlap = np.zeros(count, np.float32)
        for p in range(longest):
            t, share = nearest[p], np.float32(own[p] / total)
            for entry in range(starts[t], starts[t + 1]):
                overlap[holders[entry]] += min(share, weights[entry])
        for j in range(count):
            common = np.float64(overlap[j])
            apart = 1 - common / (2 - common)
            distances[q, j] = alpha * inverse * np.float64(distances[q, j]) ** 2 + (1 - alpha) * apart
