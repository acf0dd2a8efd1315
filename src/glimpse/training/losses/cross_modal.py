"""Losses between the modalities of a batch (agw.md, "Training aids")."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.models.precision import full_precision
from glimpse.training.losses.triplet import margin_triplet


@full_precision
def hetero_center_triplet(features: Tensor, labels: Tensor, infrared: Tensor, margin: float = 0.3) -> Tensor:
    """Batch-hard triplet between centers, the mean feature of a person in a modality (Liu et al., TMM 2020).

    For each center `mean max(0, d_p - d_n + margin)`, with the center of the same person in the other
    modality, and the nearest center of another person in either. A person of one modality has no other
    center to come near to.

    Args:
        features: `[B, D]`, as they are.
        labels: `[B]`.
        infrared: bool `[B]`.
        margin: between distances.

    >>> features = torch.tensor([[0.0, 0.0], [0.0, 2.0], [0.0, 4.0], [3.0, 0.0], [3.0, 3.0]])
    >>> labels, infrared = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([False, True, True, False, True])
    >>> f"{hetero_center_triplet(features, labels, infrared).item():.3f}"  # centers 0 0, 0 3, 3 0, 3 3
    '0.300'
    """
    groups, group = torch.unique(2 * labels + infrared.long(), return_inverse=True)
    member = torch.nn.functional.one_hot(group, len(groups)).to(features.dtype)
    centers = member.T @ features / member.sum(0)[:, None]
    return margin_triplet(centers, groups // 2, margin=margin)
