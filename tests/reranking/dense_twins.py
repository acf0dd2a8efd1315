"""The re-rankings as their sources write them: dense, slow, and nothing shared with the fast paths."""

import numpy as np


def order(values):
    return np.argsort(values, axis=-1, kind="stable")


def neighbor_order(distances):
    """By distance, ties by number, the point itself first."""
    ranked = distances.astype(np.float64).copy()
    np.fill_diagonal(ranked, -1)
    return order(ranked)


def shortest_paths(query_gallery, gallery, weight, paths, neighbors, in_place=False):
    near = neighbor_order(gallery)[:, :neighbors]
    read = query_gallery.astype(np.float64).copy()
    result = read if in_place else read.copy()
    for q in range(len(read)):
        for j in range(read.shape[1]):
            lengths = sorted(read[q, t] + weight * gallery[j, t] for t in near[j])
            result[q, j] = np.mean(lengths[:paths])
    return result


def expanded_sets(distances, k1, extra=1):
    rank = neighbor_order(distances)

    def reciprocal(i, k):
        return {t for t in rank[i, : k + extra] if i in rank[t, : k + extra]}

    sets = []
    for i in range(len(distances)):
        own = reciprocal(i, k1)
        grown = set(own)
        for c in own:
            half = reciprocal(c, round(k1 / 2))
            if len(half & own) > 2 / 3 * len(half):
                grown |= half
        sets.append(grown)
    return sets


def set_weights(distances, k1, extra=1):
    normalized = distances.astype(np.float64) ** 2
    normalized /= np.where(normalized.max(1, keepdims=True) > 0, normalized.max(1, keepdims=True), 1)
    np.fill_diagonal(normalized, 0)
    weights = np.zeros_like(normalized)
    for i, members in enumerate(expanded_sets(distances, k1, extra)):
        chosen = sorted(members)
        weights[i, chosen] = np.exp(-normalized[i, chosen])
        weights[i] /= weights[i].sum()
    return normalized, weights


def overlap_distance(ours, theirs):
    common = np.array([[np.minimum(v, w).sum() for w in theirs] for v in ours])
    return 1 - common / (2 - common)


def similarity_inference(query_gallery, gallery, sim):
    """SIM with the parameters of a SimilarityInference; both steps."""
    extra = int(sim.k_plus_self)
    inferred = shortest_paths(query_gallery, gallery, sim.weight, sim.paths, sim.neighbors)
    squared = inferred**2
    squared /= squared.max(1, keepdims=True) if sim.norm.value == "rowmax" else 4
    _, weights = set_weights(gallery, sim.k_gallery, extra)
    own = np.zeros_like(squared)
    for q in range(len(own)):
        nearest = order(squared[q])[: sim.k_query + extra]
        own[q, nearest] = np.exp(-squared[q, nearest])
        own[q] /= own[q].sum()
    return sim.alpha * squared + (1 - sim.alpha) * overlap_distance(own, weights)


def k_reciprocal(query_gallery, query_query, gallery_gallery, k1, k2, weight, extra=1):
    whole = np.block([[query_query, query_gallery], [query_gallery.T, gallery_gallery]])
    return k_reciprocal_of_all(whole, len(query_gallery), k1, k2, weight, extra)


def k_reciprocal_of_all(whole, queries, k1, k2, weight, extra=1):
    normalized, weights = set_weights(whole, k1, extra)
    rank = neighbor_order(whole)
    averaged = np.array([weights[rank[i, :k2]].mean(0) for i in range(len(whole))])
    jaccard = overlap_distance(averaged[:queries], averaged[queries:])
    return (1 - weight) * jaccard + weight * normalized[:queries, queries:]


def clustered(rng, rows, dim, people, noise=0.6):
    """Rows around the centers of some people, as re-identification features are."""
    centers = np.random.default_rng(99).normal(size=(people, dim))
    return centers[rng.integers(0, people, rows)] + noise * rng.normal(size=(rows, dim))


def euclidean(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=2)
