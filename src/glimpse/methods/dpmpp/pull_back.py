"""What is known in words, brought into the space of the prototypes (dpm_family 6.5a)."""

from __future__ import annotations

import torch
from torch import Tensor

_EPS = 1e-6


def pulled_back(texts: Tensor, projection: Tensor, gain: Tensor, deviation: Tensor) -> Tensor:
    """The classifiers after the neck that do what texts do in the shared space.

    With `z = f P` and `h = gain (f - mean) / deviation`, `W = (deviation / gain) P T` has
    `h . W = (f - mean) P T` exactly: a text vector is a linear classifier of f.

    Args:
        texts: `[C, P]`, T.
        projection: `[D, P]`, P.
        gain: `[D]`, of the neck's batch norm.
        deviation: `[D]`, of the features before it.

    Returns:
        `[C, D]`.
    """
    return (texts @ projection.T) * (deviation / gain)


def as_prototypes(classifiers: Tensor, length: float = 1.0) -> Tensor:
    """The same directions `[C, D]`, with the length that prototypes begin with: 1 (dpm_family 6.5a)."""
    unit = torch.nn.functional.normalize(classifiers, dim=1, eps=_EPS)
    return length * unit
