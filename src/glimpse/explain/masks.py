"""Masks as an image: a row per query, a column per dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glimpse.embeddings import FloatArray
from glimpse.errors import ShapeError
from glimpse.explain.drawing import FAINT, GAP, INK, LINE, PAPER, colored, font
from glimpse.similarity import participation_ratio

_WIDE, _TALL = 640, 320  # our choice: pixels of the map at least, if its cells can be so large
_BAR, _NAME = 90, 76  # pixels of a bar of 100 %, and of a row's name


@dataclass(frozen=True, eq=False)
class Kept:
    """The masks of Q images, put in order.

    Attributes:
        weights: `[Q, D]`; each mask divided by its mean, as only proportions count. Dimensions by their mean
            weight, the most kept ones first; images by participation, the lowest first.
        participation: `[Q]`, ascending; the share of its dimensions that each mask uses.
        rows: `[Q]`; which image each row is.
        columns: `[D]`; which dimension each column is.
    """

    weights: NDArray[np.float64]
    participation: NDArray[np.float64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @property
    def own(self) -> NDArray[np.float64]:
        """`[Q, D]`; each mask less the mean mask.

        Dimensions are in the network's order here, so that blocks of a descriptor stay beside each other.
        """
        own = np.empty_like(self.weights)
        own[:, self.columns] = self.weights - self.weights.mean(0)
        return own


def kept(masks: FloatArray) -> Kept:
    """Put masks `[Q, D]` in order.

    >>> ordered = kept(np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 0.4, 0.4, 0.0]]))
    >>> ordered.weights.tolist(), ordered.participation.tolist(), ordered.rows.tolist()
    ([[2.0, 2.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]], [0.5, 1.0], [1, 0])
    """
    if masks.ndim != 2 or not masks.size:
        raise ShapeError(f"masks must be [Q, D] of at least one image, got {list(masks.shape)}")
    wide = np.asarray(masks, np.float64)
    mean = wide.mean(1, keepdims=True)
    weights = np.divide(wide, mean, out=np.zeros_like(wide), where=mean > 0)
    participation = participation_ratio(weights)
    rows = np.argsort(participation, kind="stable")
    columns = np.argsort(-weights.mean(0), kind="stable")
    return Kept(weights[rows][:, columns], participation[rows], rows, columns)


def draw_masks(ordered: Kept, names: Mapping[int, str]) -> Image.Image:
    """Bars of participation beside the masks, and below them each mask less the mean mask.

    Args:
        ordered: the masks.
        names: of some images, by their number.
    """
    count, dims = ordered.weights.shape
    across, down = max(1, _WIDE // dims), min(LINE, max(3, _TALL // count))
    left = _NAME + _BAR + GAP
    panels = (
        ("kept dimensions: dark is kept", _dark(ordered.weights)),
        ("more (orange) or less (blue) than the mean mask, in the network's order", _apart(ordered.own)),
    )
    tall = LINE + max(count * down, LINE * len(names)) + GAP
    sheet = Image.new("RGB", (max(left + dims * across, _WIDE) + GAP, len(panels) * tall), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_NAME, 2), "participation", fill=INK, font=font())
    for number, (title, panel) in enumerate(panels):
        top = number * tall + LINE
        draw.text((left, top - LINE + 2), title, fill=INK, font=font())
        big = Image.fromarray(panel).resize((dims * across, count * down), Image.Resampling.NEAREST)
        sheet.paste(big, (left, top))
        _draw_names(draw, top, down, [names.get(image, "") for image in ordered.rows.tolist()])
    for row, ratio in enumerate(ordered.participation):
        place = LINE + row * down
        draw.rectangle((_NAME, place, _NAME + _BAR, place + down - 1), fill=FAINT)
        draw.rectangle((_NAME, place, _NAME + round(_BAR * ratio), place + down - 1), fill=INK)
    return sheet


def _dark(weights: NDArray[np.float64]) -> NDArray[np.uint8]:
    share = (weights / (weights.max() or 1.0))[..., None]
    dark: NDArray[np.uint8] = (255 * (1 - share) + np.array(INK) * share).round().astype(np.uint8)
    return dark


def _apart(own: NDArray[np.float64]) -> NDArray[np.uint8]:
    return colored(own / (np.abs(own).max() or 1.0), np.full((*own.shape, 3), 255.0))


def _draw_names(draw: ImageDraw.ImageDraw, top: int, down: int, names: Sequence[str]) -> None:
    """Names at the left of their rows, moved down where they would overlap."""
    free = top
    for row, name in enumerate(names):
        if name:
            middle = top + row * down + down // 2
            place = max(free, middle - LINE // 2)
            draw.text((GAP // 2, place), name, fill=INK, font=font())
            draw.line((_NAME - 10, place + LINE // 2, _NAME - 3, middle), fill=INK)
            free = place + LINE - 3
