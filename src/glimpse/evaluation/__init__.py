"""Evaluation: CMC and mAP, verification, open sets, calibrated thresholds, and confidence intervals."""

from glimpse.evaluation.calibration import Calibration, calibrate
from glimpse.evaluation.evaluate import evaluate
from glimpse.evaluation.intervals import Difference, Interval
from glimpse.evaluation.metrics import AveragePrecision
from glimpse.evaluation.open_set import OpenSet, open_set
from glimpse.evaluation.reranked import Rescore, evaluate_reranked
from glimpse.evaluation.result import Result, bins, table
from glimpse.evaluation.sources import Pairwise
from glimpse.evaluation.verification import Roc, roc

__all__ = [
    "AveragePrecision",
    "Calibration",
    "Difference",
    "Interval",
    "OpenSet",
    "Pairwise",
    "Rescore",
    "Result",
    "Roc",
    "bins",
    "calibrate",
    "evaluate",
    "evaluate_reranked",
    "open_set",
    "roc",
    "table",
]
