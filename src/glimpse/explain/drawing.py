"""Sheets of images in rows, framed and captioned, with heat maps laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glimpse.pixels import resize

# our choice: two hues that color-blind people tell apart, over a pale gray image
FOR, AGAINST = (235, 110, 0), (20, 90, 220)
_PALE = 0.55
_STRONGEST = 0.85  # the share of the hue where a map is at its scale


def heat(image: NDArray[np.uint8], values: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """A map laid over an image.

    Args:
        image: uint8 `[H, W, 3]`.
        values: `[rows, columns]`, spread bilinearly over the image.
        scale: the value that gets the full hue; 0 for a map of zeros.

    Returns:
        uint8 `[H, W, 3]`.
    """
    gray = image.astype(np.float32).mean(2, keepdims=True) * _PALE + 255 * (1 - _PALE)
    spread = spread_over(values, image.shape[:2]) / (scale or 1.0)
    return colored(spread, np.broadcast_to(gray, image.shape))


def colored(values: NDArray[np.floating], ground: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values `[H, W]` in -1..1 as hues over a ground `[H, W, 3]`.

    >>> colored(np.array([[0.0]]), np.full((1, 1, 3), 255.0)).tolist()
    [[[255, 255, 255]]]
    """
    share = np.abs(values).clip(0, 1)[..., None] * _STRONGEST
    hue = np.where(values[..., None] > 0, FOR, AGAINST)
    mixed: NDArray[np.uint8] = (share * hue + (1 - share) * ground).round().astype(np.uint8)
    return mixed


def spread_over(values: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A map `[rows, columns]` on the pixels of an image of `size`, bilinear."""
    height, width = size
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def outlined(image: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """An image that is pale outside of a mask.

    Args:
        image: uint8 `[H, W, 3]`.
        kept: `[rows, columns]`, of pixels or of cells.
    """
    shown = Image.fromarray(kept).resize(image.shape[1::-1], Image.Resampling.NEAREST)
    pale = resize(image, image.shape[:2]).astype(np.float32).mean(2, keepdims=True) * 0.25 + 185
    result: NDArray[np.uint8] = np.where(np.asarray(shown)[..., None], image, pale).astype(np.uint8)
    return result


def over_image(
    image: NDArray[np.uint8], colors: NDArray[np.uint8], where: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Colors `[H, W, 3]` laid half transparent over an image where a mask `[H, W]` says so."""
    mixed = (image.astype(np.uint16) + colors) // 2
    result: NDArray[np.uint8] = np.where(where[..., None], mixed, image).astype(np.uint8)
    return result


Color = tuple[int, int, int]

CELL = (160, 80)  # height and width of an image
FRAME, GAP, LINE, TEXT = 4, 8, 18, 12
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (200, 200, 200)


@dataclass(frozen=True, eq=False)
class Cell:
    """One image of a sheet.

    Attributes:
        image: uint8 `[H, W, 3]`, of any size.
        frame: its color.
    """

    image: NDArray[np.uint8]
    frame: Color = FAINT


@dataclass(frozen=True, eq=False)
class Row:
    """Images beside each other.

    Attributes:
        cells: the images.
        note: a line above them; none if empty.
    """

    cells: tuple[Cell, ...]
    note: str = ""


def draw_sheet(rows: Sequence[Row], titles: Sequence[str] = ()) -> Image.Image:
    """Rows under each other.

    Args:
        rows: of any lengths.
        titles: of the columns; the last ones may be left out.
    """
    height, width = CELL
    step = width + 2 * FRAME + GAP
    heights = [height + 2 * FRAME + GAP + (LINE if row.note else 0) for row in rows]
    top = LINE if titles else GAP // 2
    columns = max((len(row.cells) for row in rows), default=1)
    words = max((text_width(row.note) for row in rows), default=0)
    sheet = Image.new("RGB", (max(columns * step, words) + GAP, top + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        draw.text((GAP + column * step, 2), title, fill=INK, font=font())
    for row, tall in zip(rows, heights, strict=True):
        if row.note:
            draw.text((GAP, top), row.note, fill=INK, font=font())
        for column, cell in enumerate(row.cells):
            _paste(sheet, cell, (GAP + column * step, top + (LINE if row.note else 0)))
        top += tall
    return sheet


def draw_legend(sheet: Image.Image, entries: Sequence[tuple[str, Color]]) -> Image.Image:
    """The sheet with a line, or several, of names beside squares of their colors below it."""
    places, left, line = [], GAP, 0
    for name, _ in entries:
        wide = LINE + text_width(name) + GAP
        if left + wide > sheet.width and left > GAP:
            left, line = GAP, line + 1
        places.append((left, line))
        left += wide
    whole = Image.new("RGB", (sheet.width, sheet.height + (line + 1) * LINE + GAP), PAPER)
    whole.paste(sheet)
    draw = ImageDraw.Draw(whole)
    for (name, color), (left, line) in zip(entries, places, strict=True):
        top = sheet.height + line * LINE
        draw.rectangle((left, top + 2, left + TEXT, top + 2 + TEXT), fill=color)
        draw.text((left + LINE, top + 2), name, fill=INK, font=font())
    return whole


def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The type of all words."""
    return ImageFont.load_default(TEXT)


def text_width(text: str) -> int:
    """How many pixels a line takes."""
    return round(font().getlength(text)) + GAP


def _paste(sheet: Image.Image, cell: Cell, corner: tuple[int, int]) -> None:
    (height, width), (left, top) = CELL, corner
    edge = (left, top, left + width + 2 * FRAME - 1, top + height + 2 * FRAME - 1)
    ImageDraw.Draw(sheet).rectangle(edge, outline=cell.frame, width=FRAME)
    sheet.paste(Image.fromarray(resize(cell.image, CELL)), (left + FRAME, top + FRAME))
