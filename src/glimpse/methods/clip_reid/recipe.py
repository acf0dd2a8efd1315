"""CLIP-ReID's recipe (dpm_family 5)."""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.methods.recipe import Recipe
from glimpse.training.recipes import read_in_code

_MODEL, _FIRST, _SECOND = "dpm_family 5.2", "dpm_family 5.4", "dpm_family 5.5"


@dataclass(frozen=True, kw_only=True)
class ClipReIDRecipe(Recipe):
    """Defaults as published for the ViT without cameras and overlap.

    The variant with both (SIE and OLP) is `cameras=true stride=12`.

    Attributes:
        stride: of patches, in sixteenths of a patch; 12 makes them overlap.
        cameras: whether each camera of the training rows has an embedding, on the class token only.
        side_weight: of the camera embedding.
        prompt_epochs: of the first stage.
        prompt_batch: image vectors in a batch of the first stage, of anybody.
        prompt_rate: of Adam on the words.
        prompt_warmup: epochs of linear warm-up in the first stage.
        prompt_start: rate that this warm-up starts from.
        prompt_least: rate that the first stage's cosine ends with.
        epochs: of the second stage.
        rate: of Adam on the image side.
        bias_rate: factor of the rate for biases.
        weight_decay: as L2, in both stages.
        warmup: epochs of linear warm-up in the second stage.
        warmup_start: part of the rate that this warm-up starts from.
        steps: epochs of the second stage from which the rate is a tenth of what it was.
        smoothing: of the labels.
        margin: of the triplet losses.
        identity_weight: of each of the two identity losses.
        text_weight: of the image-to-text loss.
    """

    stride: int = read_in_code(16, _MODEL)
    cameras: bool = read_in_code(False, _MODEL)
    side_weight: float = read_in_code(1.0, _MODEL)
    prompt_epochs: int = read_in_code(120, _FIRST)
    prompt_batch: int = read_in_code(64, _FIRST)
    prompt_rate: float = read_in_code(3.5e-4, _FIRST)
    prompt_warmup: int = read_in_code(5, _FIRST)
    prompt_start: float = read_in_code(1e-5, _FIRST)
    prompt_least: float = read_in_code(1e-6, _FIRST)
    epochs: int = read_in_code(60, _SECOND)
    rate: float = read_in_code(5e-6, _SECOND)
    bias_rate: float = read_in_code(2.0, _SECOND)
    weight_decay: float = read_in_code(1e-4, _SECOND)
    warmup: int = read_in_code(10, _SECOND)
    warmup_start: float = read_in_code(0.1, _SECOND)
    steps: tuple[int, ...] = read_in_code((30, 50), _SECOND)
    smoothing: float = read_in_code(0.1, _SECOND)
    margin: float = read_in_code(0.3, _SECOND)
    identity_weight: float = read_in_code(0.25, _SECOND)
    text_weight: float = read_in_code(1.0, _SECOND)
