"""A method that is ready to be trained: modules, stages, and what is to be kept of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glimpse.methods.card import NetworkCard
from glimpse.training.data import TrainingData
from glimpse.training.stages import Method, Stage

NETWORK = "network."
"""Where every method keeps the network that is left after training: the prefix of its weights' names."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A method and how to train it.

    Attributes:
        method: initialised; its network is its attribute `network`.
        card: of the network.
        stages: of its training.
        start: what its encoder starts from, in words.
        artefacts: further files to keep: for each name the weights in it, by their names in the method.
    """

    method: Method
    card: NetworkCard
    stages: Sequence[Stage]
    start: str
    artefacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def camera_table(data: TrainingData) -> tuple[int, ...]:
    """The cameras that get an embedding: all known ones, or none if there is nothing to tell apart.

    With a single camera side information is off (dpm_family 2.3).
    """
    known = tuple(int(number) for number in data.records.cameras)
    return known if len(known) > 1 else ()
