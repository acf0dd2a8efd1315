"""The constants of the masks; all our choice unless they are said to be given (dpm_family 6.7)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from glimpse.errors import OptionError


@dataclass(frozen=True)
class GrabCutSettings:
    """How the person is cut out.

    Attributes:
        size: height and width that pictures are cut at, whatever they are trained at: on the rendered world
            cuts at 256x128 overlap the truth by 0.71, at 64x32 by 0.54.
        iterations: of GrabCut.
        grid: rows and columns of cells.
        coverage: share of a salient cell that the cut keeps at least.
        texture: least texture of a salient cell, of the data set's 80th percentile.
        likeness: least mean similarity to the three most alike cells of the person's other pictures.
        siblings: pictures that a person needs for this to be asked.
        area: least and largest share of salient cells; others are not trusted.
        core: share of the cells in the picture's core that must be salient.
    """

    size: tuple[int, int] = (256, 128)
    iterations: int = 5
    grid: tuple[int, int] = (16, 8)
    coverage: float = 0.5
    texture: float = 0.1
    likeness: float = 0.7
    siblings: int = 4
    area: tuple[float, float] = (0.06, 0.75)
    core: float = 0.5

    def __post_init__(self) -> None:
        if self.iterations < 1 or min(self.grid) < 1:
            raise OptionError(
                f"GrabCut needs iterations and cells, got {self.iterations} and a grid of {self.grid}"
            )

    def key(self) -> str:
        """A short name of what decides the cut itself: what follows it is computed anew each time.

        >>> GrabCutSettings().key() == GrabCutSettings(texture=0.5).key()
        True
        """
        cut = {"cut": 1, **{name: asdict(self)[name] for name in ("iterations",)}}
        return hashlib.sha256(json.dumps(cut, sort_keys=True).encode()).hexdigest()[:16]
