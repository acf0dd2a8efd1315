"""`Records`, the one table that every part speaks, and the marks that its columns use."""

from glimpse.records.columns import (
    CORE_COLUMNS,
    DISTRACTOR,
    IR,
    JUNK,
    KINDS,
    MODALITIES,
    NO_CAMERA,
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
    "IR",
    "JUNK",
    "KINDS",
    "MODALITIES",
    "NO_CAMERA",
    "OCCLUDED",
    "PARTIAL",
    "RGB",
    "TEXT",
    "WHOLE",
    "Array",
    "BoolArray",
    "IntArray",
    "Records",
]
