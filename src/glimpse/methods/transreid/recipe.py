"""TransReID's recipe (dpm_family 2, thesis_methods 0.3)."""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.methods.recipe import Recipe
from glimpse.training.optimise import Kind
from glimpse.training.recipes import given, read_in_code

_RATES = "dpm_family 2.5"


@dataclass(frozen=True, kw_only=True)
class TransReIDRecipe(Recipe):
    """Defaults as published for TransReID*: overlapping patches, cameras, jigsaw.

    The plain ViT baseline is `stride=16 cameras=false jigsaw=false`.

    Attributes:
        stride: of patches, in sixteenths of a patch: 12; 11 for Occluded-Duke; 16 without overlap.
        cameras: whether each camera of the training rows has an embedding.
        side_weight: of the camera embedding.
        jigsaw: whether there are local features of shuffled patches.
        drop_path: of the last block.
        epochs: of training.
        optimiser: sgd (with momentum 0.9), adam or adamw.
        rate: for a batch of 64.
        bias_rate: factor of the rate for biases.
        weight_decay: of everything.
        warmup: epochs of linear warm-up.
        warmup_start: part of the rate that the warm-up starts from.
        least_rate: part of the rate that the cosine ends with.
        smoothing: of the labels; it costs 1.2 points of mAP on MSMT17.
    """

    stride: int = read_in_code(12, "dpm_family 2.2, C")
    cameras: bool = read_in_code(True, "dpm_family 2.3")
    side_weight: float = read_in_code(3.0, "dpm_family 2.3")
    jigsaw: bool = read_in_code(True, "dpm_family 2.4")
    drop_path: float = read_in_code(0.1, "dpm_family 2.1")
    epochs: int = read_in_code(120, _RATES)
    optimiser: Kind = read_in_code(Kind.SGD, _RATES)  # noqa: RUF009 (a value, not a call's result)
    rate: float = read_in_code(0.008, _RATES)
    bias_rate: float = read_in_code(2.0, _RATES)
    weight_decay: float = read_in_code(1e-4, _RATES)
    warmup: int = read_in_code(5, _RATES)
    warmup_start: float = read_in_code(0.01, _RATES)
    least_rate: float = read_in_code(0.002, _RATES)
    smoothing: float = given(0.0, "dpm_family 1.4, 2.6")
