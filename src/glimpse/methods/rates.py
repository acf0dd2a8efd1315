"""Rules about learning rates that the baselines share."""

from __future__ import annotations

from glimpse.training.optimise import BIAS_TWICE, Rule


def biases(factor: float) -> Rule:
    """Biases learn faster by this factor.

    >>> biases(2.0) == BIAS_TWICE
    True
    """
    return Rule(BIAS_TWICE.names, rate=factor)
