"""TransReID's recipe (dpm_family 2, thesis_methods 0.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from glimpse.methods.recipe import CODE, SOURCE, Recipe
from glimpse.training.optimise import Kind


@dataclass(frozen=True, kw_only=True)
class TransReIDRecipe(Recipe):
    """Defaults as published for TransReID*: overlapping patches, cameras, jigsaw.

    The plain ViT baseline is `stride=16 cameras=false jigsaw=false`.
    """

    stride: Annotated[
        int, CODE, "of patches, in sixteenths of a patch; 11 for Occluded-Duke, 16 without overlap"
    ] = 12
    cameras: Annotated[bool, CODE, "whether each camera of the training rows has an embedding"] = True
    side_weight: Annotated[float, CODE, "of the camera embedding"] = 3.0
    jigsaw: Annotated[bool, CODE, "whether there are local features of shuffled patches"] = True
    drop_path: Annotated[float, CODE, "of the last block"] = 0.1
    epochs: Annotated[int, CODE, "of training"] = 120
    optimiser: Annotated[Kind, CODE, "with momentum 0.9"] = Kind.SGD
    rate: Annotated[float, CODE, "for a batch of 64"] = 0.008
    bias_rate: Annotated[float, CODE, "factor of the rate for biases"] = 2.0
    weight_decay: Annotated[float, CODE, "of everything"] = 1e-4
    warmup: Annotated[int, CODE, "epochs of linear warm-up"] = 5
    warmup_start: Annotated[float, CODE, "part of the rate that the warm-up starts from"] = 0.01
    least_rate: Annotated[float, CODE, "part of the rate that the cosine ends with"] = 0.002
    smoothing: Annotated[float, SOURCE, "of the labels; 0.1 costs 1.2 points of mAP on MSMT17"] = 0.0
