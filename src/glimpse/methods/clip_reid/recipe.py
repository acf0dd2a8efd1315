"""CLIP-ReID's recipe (dpm_family 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from glimpse.methods.recipe import CODE, Recipe


@dataclass(frozen=True, kw_only=True)
class ClipReIDRecipe(Recipe):
    """Defaults as published for the ViT without cameras and overlap.

    The variant with both (SIE and OLP) is `cameras=true stride=12`.
    """

    stride: Annotated[int, CODE, "of patches, in sixteenths of a patch; 12 makes them overlap"] = 16
    cameras: Annotated[bool, CODE, "whether each camera of the training rows has an embedding"] = False
    side_weight: Annotated[float, CODE, "of the camera embedding, on the class token only"] = 1.0
    prompt_epochs: Annotated[int, CODE, "of the first stage"] = 120
    prompt_batch: Annotated[int, CODE, "image vectors in a batch of the first stage, of anybody"] = 64
    prompt_rate: Annotated[float, CODE, "of Adam on the words"] = 3.5e-4
    prompt_warmup: Annotated[int, CODE, "epochs of linear warm-up of the first stage"] = 5
    prompt_start: Annotated[float, CODE, "rate that the first warm-up starts from"] = 1e-5
    prompt_least: Annotated[float, CODE, "rate that the first stage's cosine ends with"] = 1e-6
    epochs: Annotated[int, CODE, "of the second stage"] = 60
    rate: Annotated[float, CODE, "of Adam on the image side"] = 5e-6
    bias_rate: Annotated[float, CODE, "factor of the rate for biases"] = 2.0
    weight_decay: Annotated[float, CODE, "as L2, in both stages"] = 1e-4
    warmup: Annotated[int, CODE, "epochs of linear warm-up from a tenth in the second stage"] = 10
    first_step: Annotated[int, CODE, "epoch from which the rate is a tenth"] = 30
    second_step: Annotated[int, CODE, "epoch from which the rate is a hundredth"] = 50
    smoothing: Annotated[float, CODE, "of the labels"] = 0.1
    margin: Annotated[float, CODE, "of the triplet loss"] = 0.3
    identity_weight: Annotated[float, CODE, "of each of the two identity losses"] = 0.25
    text_weight: Annotated[float, CODE, "of the image-to-text loss"] = 1.0
