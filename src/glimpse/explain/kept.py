"""What masks keep, as a picture: queries down, dimensions across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glimpse.embeddings import FloatArray
from glimpse.errors import ShapeError
from glimpse.explain.heat import coloured
from glimpse.explain.sheet import FAINT, GAP, INK, LINE, PAPER, font
from glimpse.similarity import participation_ratio

_WIDE, _TALL = 640, 320  # our choice: pixels of the map at least, if its cells can be so large
_BAR, _NAME = 90, 64  # pixels of a bar of 100 %, and of a row's name


@dataclass(frozen=True, eq=False)
class Kept:
    """The masks of Q pictures, put in order.

    Attributes:
        weights: `[Q, D]`; each mask divided by its highest value, as only proportions count. Dimensions by
            their mean, the most kept ones first; pictures by participation, the choosiest first.
        participation: `[Q]`, ascending; the share of its dimensions that each mask uses.
        rows: `[Q]`; which picture each row is.
    """

    weights: NDArray[np.float64]
    participation: NDArray[np.float64]
    rows: NDArray[np.int64]

    @property
    def own(self) -> NDArray[np.float64]:
        """`[Q, D]`; how each mask differs from the mean of all: what it says of its own picture."""
        own: NDArray[np.float64] = self.weights - self.weights.mean(0)
        return own


def kept(masks: FloatArray) -> Kept:
    """Put masks `[Q, D]` in order.

    >>> ordered = kept(np.array([[0.5, 0.5, 0.5], [0.0, 0.4, 0.0]]))
    >>> ordered.weights.tolist(), ordered.rows.tolist()
    ([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]], [1, 0])
    """
    if masks.ndim != 2 or not masks.size:
        raise ShapeError(f"masks must be [Q, D] of at least one picture, got {list(masks.shape)}")
    wide = np.asarray(masks, np.float64)
    highest = wide.max(1, keepdims=True)
    weights = np.divide(wide, highest, out=np.zeros_like(wide), where=highest > 0)
    participation = participation_ratio(weights)
    rows = np.argsort(participation, kind="stable")
    columns = np.argsort(-weights.mean(0), kind="stable")
    return Kept(weights[rows][:, columns], participation[rows], rows)


def draw_kept(ordered: Kept, names: dict[int, str]) -> Image.Image:
    """Bars of participation, the masks, and what is each picture's own, under each other.

    Args:
        ordered: the masks.
        names: of some pictures, by their number.
    """
    count, dims = ordered.weights.shape
    across = max(1, _WIDE // dims)
    down = max(LINE if names and count <= _TALL // LINE else 4, min(LINE, _TALL // count))
    left = _NAME + _BAR + GAP
    height = count * down
    sheet = Image.new("RGB", (left + dims * across + GAP, 2 * (LINE + height + GAP)), PAPER)
    draw = ImageDraw.Draw(sheet)
    dark = 255 * (1 - ordered.weights[..., None]) + np.array(INK) * ordered.weights[..., None]
    scale = np.abs(ordered.own).max() or 1.0
    panels = (
        ("kept dimensions: dark is kept", dark.round().astype(np.uint8)),
        ("each mask less the mean mask", coloured(ordered.own / scale, np.full((count, dims, 3), 255.0))),
    )
    for number, (title, panel) in enumerate(panels):
        top = number * (LINE + height + GAP)
        draw.text((left, top + 2), title, fill=INK, font=font())
        big = Image.fromarray(panel).resize((dims * across, height), Image.Resampling.NEAREST)
        sheet.paste(big, (left, top + LINE))
        for row, picture in enumerate(ordered.rows.tolist()):
            if picture in names and down >= LINE:
                draw.text((GAP, top + LINE + row * down + 2), names[picture], fill=INK, font=font())
    draw.text((_NAME, 2), "participation", fill=INK, font=font())
    for row, ratio in enumerate(ordered.participation):
        place = LINE + row * down
        draw.rectangle((_NAME, place + 1, _NAME + _BAR, place + down - 2), fill=FAINT)
        draw.rectangle((_NAME, place + 1, _NAME + round(_BAR * ratio), place + down - 2), fill=INK)
    return sheet
