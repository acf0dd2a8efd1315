"""Whether a part's vector suffers from what hides the part, or from what hides anything.

Each query's shot is taken again and again with less and less of the person visible (`occluded.shots`). The
error of a part is how far its vector turns from that of the shot in which all is visible.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.occluded.shots import WANTED, Shots
from glimpse.retriever import Retriever

Floats = NDArray[np.float64]


def locality(retriever: Retriever, series: Shots, parts: int, width: int) -> dict[str, float]:
    """R² of the errors of all parts, from the share of the person that is hidden, the own stripe's, and both.

    Args:
        retriever: whose vectors are the class token's and those of equal stripes, from the top.
        series: shots, all of one visible fraction together, the whole ones first.
        parts: K.
        width: D, of each vector.
    """
    vectors = retriever.embed(series.records).vectors[:, width:].reshape(len(WANTED), -1, parts, width)
    vectors /= np.linalg.norm(vectors, axis=3, keepdims=True)
    errors = 1 - (vectors[1:] * vectors[0]).sum(3, dtype=np.float64).reshape(-1, parts)
    own = series.hidden(parts).reshape(len(WANTED), -1, parts)[1:].reshape(-1, parts)
    whole = 1 - series.visible.reshape(len(WANTED), -1)[1:].reshape(-1)
    return explained(errors, whole, own)


def explained(errors: Floats, whole: Floats, own: Floats) -> dict[str, float]:
    """R² of `errors` [N, K], each part around its own mean, by least squares.

    Args:
        errors: of each part.
        whole: [N], what is hidden of all of it.
        own: [N, K], what is hidden of each part; NaN where there is nothing of it.
    """
    error: list[Floats] = []
    total: list[Floats] = []
    part: list[Floats] = []
    for k in range(errors.shape[1]):
        there = ~np.isnan(own[:, k])
        for into, values in ((error, errors[there, k]), (total, whole[there]), (part, own[there, k])):
            into.append(values - values.mean() if len(values) else values)
    target, of_all, of_own = (np.concatenate(one) for one in (error, total, part))
    return {
        "whole": _r_squared(target, of_all[:, None]),
        "own": _r_squared(target, of_own[:, None]),
        "both": _r_squared(target, np.stack([of_all, of_own], axis=1)),
    }


def _r_squared(target: Floats, known: Floats) -> float:
    found = np.linalg.lstsq(known, target, rcond=None)[0]
    left = target - known @ found
    return float(1 - (left @ left) / (target @ target))
