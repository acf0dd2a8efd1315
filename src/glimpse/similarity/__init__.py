"""Similarities: scores between two `Embeddings`, higher is better; all scores or the best k, in tiles."""

from glimpse.similarity.base import Similarity
from glimpse.similarity.conflict import ConflictPenalised, Reduce, calibrate, fit_conflict
from glimpse.similarity.cooccurrence import CoOccurrencePrior
from glimpse.similarity.cosine import Cosine, Euclidean, Precision
from glimpse.similarity.masked import MaskedCosine, Side, participation_ratio
from glimpse.similarity.overlap import occlusion_aware_overlap
from glimpse.similarity.parts import PartCosine
from glimpse.similarity.selection import TopK
from glimpse.similarity.sets import SetJaccard
from glimpse.similarity.two_pass import TwoPass

__all__ = [
    "CoOccurrencePrior",
    "ConflictPenalised",
    "Cosine",
    "Euclidean",
    "MaskedCosine",
    "PartCosine",
    "Precision",
    "Reduce",
    "SetJaccard",
    "Side",
    "Similarity",
    "TopK",
    "TwoPass",
    "calibrate",
    "fit_conflict",
    "occlusion_aware_overlap",
    "participation_ratio",
]
