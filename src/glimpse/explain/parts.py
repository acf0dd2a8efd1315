"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture with its words.

    Attributes:
        name: of its file, without the ending; each once in a report.
        picture: itself.
        alt: what it shows, for those who cannot see it.
        caption: the line below it.
    """

    name: str
    picture: Image.Image
    alt: str
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a report.

    Attributes:
        title: its heading.
        words: paragraphs on how to read it.
        figures: its pictures.
        table: figures as text in columns; none if empty.
    """

    title: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: str = ""
