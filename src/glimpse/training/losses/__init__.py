"""The losses that several methods share: functions of tensors, computed in full precision."""

from glimpse.training.losses.contrast import (
    image_text_contrast,
    projection_matching,
    similarity_matching,
    supervised_contrast,
)
from glimpse.training.losses.cross_modal import hetero_center_triplet
from glimpse.training.losses.identity import center_loss, cross_entropy
from glimpse.training.losses.jaccard import jaccard_triplet, soft_jaccard
from glimpse.training.losses.triplet import (
    batch_hard,
    euclidean,
    ignored_pairs,
    margin_triplet,
    soft_triplet,
    weighted_triplet,
)

__all__ = [
    "batch_hard",
    "center_loss",
    "cross_entropy",
    "euclidean",
    "hetero_center_triplet",
    "ignored_pairs",
    "image_text_contrast",
    "jaccard_triplet",
    "margin_triplet",
    "projection_matching",
    "similarity_matching",
    "soft_jaccard",
    "soft_triplet",
    "supervised_contrast",
    "weighted_triplet",
]
