"""Do masks know what is hidden: what they drop against the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.embeddings import FloatArray
from glimpse.evaluation.masks import binary_entropy, mask_variation, spread_entropy
from glimpse.evaluation.metrics import rank_correlation
from glimpse.similarity import participation_ratio

WHOLE, OCCLUDED = 0.9, 0.7
"""From this visible fraction on an image counts as whole; below that one as occluded."""
Values = dict[str, Any]


def whole_knowledge(masks: FloatArray, visible: NDArray[np.float64]) -> Values:
    """What masks [N, D] have to do with visible fractions [N].

    Returns:
        `dropped`, the rank correlation of 1 - mean mask with the hidden fraction, and `narrowed`, that of
        1 - participation; both None where nothing varies. `entropy`, `spread`, `mean` and `participation`,
        means over `whole` and over `occluded` images, None where there are none. `variation`.
    """
    width = participation_ratio(masks)
    groups = {"whole": visible >= WHOLE, "occluded": visible < OCCLUDED}
    entropies = {"entropy": binary_entropy(masks), "spread": spread_entropy(masks)}
    means = {"mean": np.asarray(masks, np.float64).mean(1), "participation": width}
    variation = mask_variation(masks)
    return {
        "dropped": rank_correlation(1 - means["mean"], 1 - visible),
        "narrowed": rank_correlation(1 - width, 1 - visible),
        **{
            name: {group: _mean(values[rows]) for group, rows in groups.items()}
            for name, values in {**entropies, **means}.items()
        },
        "variation": {
            "over_images": variation.over_images,
            "over_dimensions": variation.over_dimensions,
            "own": variation.own,
        },
    }


def stripe_knowledge(trust: FloatArray, hidden: NDArray[np.float64]) -> Values:
    """What the trust in each stripe's block, [N, S], has to do with the hidden share of the stripe, [N, S].

    Returns:
        `each`, a rank correlation per stripe of 1 - trust with the hidden share, over the images in
        which the person reaches into it; `pooled`, over all stripes of all images; `within`, the rank
        correlation among an image's own stripes, mean over the images that hide some stripes more than
        others: a mask that only tells occluded images from whole ones has none.
    """
    known = np.isfinite(hidden)
    each = [
        rank_correlation(1 - trust[rows, stripe], hidden[rows, stripe]) for stripe, rows in enumerate(known.T)
    ]
    inside = [
        rank_correlation(1 - own[there], gone[there])
        for own, gone, there in zip(trust, hidden, known, strict=True)
        if there.sum() > 1
    ]
    found = [value for value in inside if value is not None]
    return {
        "each": each,
        "pooled": rank_correlation(1 - trust[known], hidden[known]),
        "within": float(np.mean(found)) if found else None,
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None
