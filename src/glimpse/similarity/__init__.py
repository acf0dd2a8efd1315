"""Similarities: scores between two `Embeddings`, higher is better; all scores or the best k, in tiles.

The names are imported when they are first used, so that what needs no torch (`MaskSide`) costs none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glimpse.choices import MaskSide
    from glimpse.similarity.base import Similarity
    from glimpse.similarity.conflict import ConflictPenalized, Reduce, calibrate, fit_conflict
    from glimpse.similarity.cooccurrence import CoOccurrencePrior
    from glimpse.similarity.cosine import Cosine, Euclidean, MatmulDtype
    from glimpse.similarity.masked import MaskedCosine, participation_ratio
    from glimpse.similarity.parts import PartCosine
    from glimpse.similarity.selection import TopK
    from glimpse.similarity.sets import SetJaccard
    from glimpse.similarity.two_pass import TwoPass

_HOMES = {
    "CoOccurrencePrior": "glimpse.similarity.cooccurrence",
    "ConflictPenalized": "glimpse.similarity.conflict",
    "Cosine": "glimpse.similarity.cosine",
    "Euclidean": "glimpse.similarity.cosine",
    "MaskedCosine": "glimpse.similarity.masked",
    "PartCosine": "glimpse.similarity.parts",
    "MatmulDtype": "glimpse.similarity.cosine",
    "Reduce": "glimpse.similarity.conflict",
    "SetJaccard": "glimpse.similarity.sets",
    "MaskSide": "glimpse.choices",
    "Similarity": "glimpse.similarity.base",
    "TopK": "glimpse.similarity.selection",
    "TwoPass": "glimpse.similarity.two_pass",
    "calibrate": "glimpse.similarity.conflict",
    "fit_conflict": "glimpse.similarity.conflict",
    "participation_ratio": "glimpse.similarity.masked",
}

__all__ = [
    "CoOccurrencePrior",
    "ConflictPenalized",
    "Cosine",
    "Euclidean",
    "MaskSide",
    "MaskedCosine",
    "MatmulDtype",
    "PartCosine",
    "Reduce",
    "SetJaccard",
    "Similarity",
    "TopK",
    "TwoPass",
    "calibrate",
    "fit_conflict",
    "participation_ratio",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glimpse.similarity' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
