"""BoT's recipe (dpm_family 1.6, thesis_methods 0.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from glimpse.methods.recipe import SOURCE, Recipe


@dataclass(frozen=True, kw_only=True)
class BoTRecipe(Recipe):
    """Defaults as published."""

    ibn: Annotated[bool, SOURCE, "IBN-a norms in the first three stages"] = False
    epochs: Annotated[int, SOURCE, "of training"] = 120
    rate: Annotated[float, SOURCE, "of Adam"] = 3.5e-4
    weight_decay: Annotated[float, SOURCE, "as L2; of biases too"] = 5e-4
    warmup: Annotated[int, SOURCE, "epochs of linear warm-up from a hundredth"] = 10
    first_step: Annotated[int, SOURCE, "epoch from which the rate is a tenth"] = 40
    second_step: Annotated[int, SOURCE, "epoch from which the rate is a hundredth"] = 70
    smoothing: Annotated[float, SOURCE, "of the labels"] = 0.1
    margin: Annotated[float, SOURCE, "of the triplet loss"] = 0.3
    center_weight: Annotated[float, SOURCE, "of the center loss; 0 for none"] = 5e-4
    center_rate: Annotated[float, SOURCE, "of the centers' own SGD, on the loss before its weight"] = 0.5
    erasing_most: Annotated[
        float, SOURCE, "largest erased share of an image, filled with the mean colour"
    ] = 0.4
