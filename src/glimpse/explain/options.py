"""How much of everything a report shows."""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.errors import OptionError
from glimpse.segmentation import MaskSource


@dataclass(frozen=True)
class ReportOptions:
    """What a report should hold.

    Attributes:
        queries: images with maps and ranked lists.
        answers: length of a ranked list.
        samples: synthetic occlusions.
        must_occlude: whether it is an error that these cannot be made; else the report says why.
        masks: where the persons are, for these; GrabCut if not given.
        seed: of what is drawn.
    """

    queries: int = 6
    answers: int = 6
    samples: int = 6
    must_occlude: bool = False
    masks: MaskSource | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.queries, self.answers, self.samples) < 1:
            raise OptionError(
                "a report shows at least one of each, got "
                f"queries={self.queries}, answers={self.answers} and samples={self.samples}"
            )
