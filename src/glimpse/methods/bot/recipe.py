"""BoT's recipe (dpm_family 1.6, thesis_methods 0.2)."""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.methods.recipe import Recipe
from glimpse.training.recipes import given, read_in_code

_HERE = "dpm_family 1.6"


@dataclass(frozen=True, kw_only=True)
class BoTRecipe(Recipe):
    """Defaults as published, the center loss included.

    Attributes:
        ibn: IBN-a norms in the first three stages.
        epochs: of training.
        rate: of Adam.
        bias_rate: factor of the rate for biases.
        weight_decay: as L2, of biases too.
        warmup: epochs of linear warm-up.
        warmup_start: part of the rate that the warm-up starts from.
        steps: epochs from which the rate is a tenth of what it was.
        smoothing: of the labels.
        margin: of the triplet loss.
        center_weight: of the center loss; 0 for none.
        center_rate: of the centers' own SGD, on the loss before its weight.
        erasing_area: smallest and largest erased share of an image; filled with the mean colour.
    """

    ibn: bool = given(False, _HERE)
    epochs: int = given(120, _HERE)
    rate: float = given(3.5e-4, _HERE)
    bias_rate: float = read_in_code(1.0, "its configs set BIAS_LR_FACTOR to 1")
    weight_decay: float = given(5e-4, _HERE)
    warmup: int = given(10, _HERE)
    warmup_start: float = given(0.01, _HERE)
    steps: tuple[int, ...] = given((40, 70), _HERE)
    smoothing: float = given(0.1, _HERE)
    margin: float = given(0.3, "dpm_family 1.4")
    center_weight: float = given(5e-4, _HERE)
    center_rate: float = given(0.5, _HERE)
    erasing_area: tuple[float, float] = given((0.02, 0.4), _HERE)
