"""What stands for a camera that is not known, told without torch: recipes choose by it."""

from enum import StrEnum


class UnknownSide(StrEnum):
    """What stands for a camera that the encoder was not trained with (dpm_family 3.10)."""

    ZERO = "zero"
    MEAN = "mean"
