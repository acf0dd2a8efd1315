"""The words that recipes choose by; kept apart from the code they choose, which needs torch."""

from enum import StrEnum


class Kind(StrEnum):
    """How gradients become steps."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


class Course(StrEnum):
    """How the learning rate goes on after the warm-up."""

    CONSTANT = "constant"
    STEPS = "steps"
    COSINE = "cosine"


class Fill(StrEnum):
    """What an erased rectangle is filled with."""

    NOISE = "noise"
    CONSTANT = "constant"


class Precision(StrEnum):
    """What the network computes in; metric losses are in full precision anyway."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Mixing(StrEnum):
    """Where a picture is mixed with its donor: in its patch embeddings, or in its pixels."""

    EMBEDDING = "embedding"
    PIXELS = "pixels"


class Copies(StrEnum):
    """What the synthetic copies of a batch are hidden by.

    - TRANSFER: what hides other persons in the training pictures (dpm_family 6.8).
    - ERASING: a rectangle of noise; the control.
    """

    TRANSFER = "transfer"
    ERASING = "erasing"
