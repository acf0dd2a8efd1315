"""`Records`, the one table that every part speaks, and the marks that its columns use."""

from glimpse.records.capture import Capture, modality_numbers
from glimpse.records.columns import (
    CORE_COLUMNS,
    DISTRACTOR,
    IMAGE_MODALITIES,
    IR,
    JUNK,
    KINDS,
    MODALITIES,
    NO_CAMERA,
    NO_MODALITY,
    OCCLUDED,
    PARTIAL,
    RGB,
    TEXT,
    WHOLE,
    Array,
    BoolArray,
    IntArray,
)
from glimpse.records.table import Records

__all__ = [
    "CORE_COLUMNS",
    "DISTRACTOR",
    "IMAGE_MODALITIES",
    "IR",
    "JUNK",
    "KINDS",
    "MODALITIES",
    "NO_CAMERA",
    "NO_MODALITY",
    "OCCLUDED",
    "PARTIAL",
    "RGB",
    "TEXT",
    "WHOLE",
    "Array",
    "BoolArray",
    "Capture",
    "IntArray",
    "Records",
    "modality_numbers",
]
