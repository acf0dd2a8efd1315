"""A picture of ranked lists: the query on the left, its answers in order, right ones framed in green."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from glimpse.pixels import decode, resize

CELL = (160, 80)
FRAME = 4
GAP = 8
PAPER, INK = (255, 255, 255), (40, 40, 40)
RIGHT, WRONG = (40, 160, 70), (205, 60, 50)


@dataclass(frozen=True)
class Answer:
    """One ranked list.

    Attributes:
        query: the picture that was asked.
        found: pictures, best first.
        right: whether each shows the query's person.
    """

    query: str
    found: tuple[str, ...]
    right: tuple[bool, ...]


def draw_ranked(answers: Sequence[Answer]) -> Image.Image:
    """A row per ranked list."""
    height, width = CELL
    columns = 1 + max((len(answer.found) for answer in answers), default=0)
    step = width + 2 * FRAME + GAP
    title = 18
    sheet = Image.new(
        "RGB",
        (columns * step + 2 * GAP, title + len(answers) * (height + 2 * FRAME + GAP) + GAP),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 4), "asked", fill=INK)
    draw.text((GAP + step + GAP, 4), "found, best first", fill=INK)
    for row, answer in enumerate(answers):
        top = title + row * (height + 2 * FRAME + GAP)
        _paste(sheet, answer.query, (GAP, top), INK)
        for column, (path, right) in enumerate(zip(answer.found, answer.right, strict=True), start=1):
            _paste(sheet, path, (2 * GAP + column * step, top), RIGHT if right else WRONG)
    return sheet


def _paste(sheet: Image.Image, path: str, corner: tuple[int, int], colour: tuple[int, int, int]) -> None:
    height, width = CELL
    left, top = corner
    frame = (left, top, left + width + 2 * FRAME - 1, top + height + 2 * FRAME - 1)
    ImageDraw.Draw(sheet).rectangle(frame, outline=colour, width=FRAME)
    sheet.paste(Image.fromarray(resize(decode(path), CELL)), (left + FRAME, top + FRAME))
