"""The words that DPM++'s recipe chooses by; kept apart from the code, which needs torch."""

from enum import StrEnum


class Tower(StrEnum):
    """What the encoder is.

    - VIT: ImageNet's; without texts (dpm_family 6.10).
    - CLIP: CLIP's image tower, with what its text tower knows of the persons.
    """

    VIT = "vit"
    CLIP = "clip"
