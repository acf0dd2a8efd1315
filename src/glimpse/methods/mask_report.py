"""What masks do to a validation: how wide they are, and whether they help or harm."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.protocols import Protocol
from glimpse.similarity import Cosine, participation_ratio

FAR_BELOW = 0.05  # mean average precision that a mask may cost before somebody is told; our choice


class MaskWarning(UserWarning):
    """Masks make the ranking worse than none."""


def mask_measures(
    query: Embeddings, gallery: Embeddings, protocol: Protocol, masked: Mapping[str, float]
) -> dict[str, float]:
    """What to log of masks (dpm_family 3.11, 8.8); warns when the masked score falls far below the plain one.

    Args:
        query: with masks.
        gallery: of the same protocol.
        protocol: of the validation.
        masked: `rank1` and `map` by the masked similarity.

    Returns:
        `rank1_plain` and `map_plain` by the plain cosine, the `gap` from `map_plain` to `map`, and the mean
        `participation` of the query's masks.
    """
    if query.masks is None:
        return {}
    plain = evaluate((query, gallery), protocol, similarity=Cosine())
    gap = masked["map"] - plain.mean_ap
    width = float(participation_ratio(query.masks).mean())
    if gap < -FAR_BELOW:
        warnings.warn(
            f"masks cost {-100 * gap:.1f} points of mAP (plain {100 * plain.mean_ap:.1f}, masked "
            f"{100 * masked['map']:.1f}, participation {width:.2f}): score with the side subspace or none",
            MaskWarning,
            stacklevel=2,
        )
    return {
        "rank1_plain": plain.rank_k(1),
        "map_plain": plain.mean_ap,
        "gap": gap,
        "participation": width,
    }
