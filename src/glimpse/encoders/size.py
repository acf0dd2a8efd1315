"""How large an encoder is, told without torch."""

from enum import StrEnum


class Size(StrEnum):
    """`micro` and `tiny` are for CPUs, `small` and `base` are published shapes (`glimpse.encoders.sizes`)."""

    MICRO = "micro"
    TINY = "tiny"
    SMALL = "small"
    BASE = "base"
