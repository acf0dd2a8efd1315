"""The words that DPM's recipe chooses by; kept apart from the code, which needs torch."""

from enum import StrEnum


class MaskKind(StrEnum):
    """What makes the masks.

    - FULL: the hierarchical mask generator as published, 59 million parameters for ViT-B (dpm_family 3.3).
    - LIGHT: one of 2.4 million that reduces each level first (dpm_family 6.4).
    - STATIC: a control, one learned mask for all images.
    - NONE: a control, ArcFace without a mask: the second classification remains, the network has no mask.
    """

    FULL = "full"
    LIGHT = "light"
    STATIC = "static"
    NONE = "none"


class Form(StrEnum):
    """How encoder and mask head are trained by turns (dpm_family 3.7, B1 and B2).

    - RELEASED: two whole passes per step, the first for everything but the mask head, the second for it.
    - CACHED: the second pass runs only the mask head, on the kept tokens and features of the first.
    - JOINT: one pass and one backward for both.
    """

    RELEASED = "released"
    CACHED = "cached"
    JOINT = "joint"
