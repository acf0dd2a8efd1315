"""Measuring: ranks and precision, verification, open sets, thresholds, and how sure the numbers are."""

from glimpse.evaluation.evaluate import evaluate
from glimpse.evaluation.precision import AveragePrecision
from glimpse.evaluation.result import Result, bins, table
from glimpse.evaluation.sources import Pairwise

__all__ = ["AveragePrecision", "Pairwise", "Result", "bins", "evaluate", "table"]
