"""`Report`: sections of words and pictures, written as PNG files and one page that needs no other file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from PIL import Image

from glimpse.explain.page import page_of, png
from glimpse.explain.parts import Section
from glimpse.files import atomic_write, storage_error

PAGE = "report.html"


@dataclass(frozen=True, eq=False)
class Report:
    """What there is to see of a retriever.

    Attributes:
        title: of the page.
        facts: what was looked at, by name.
        sections: in order.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()

    @property
    def pictures(self) -> dict[str, Image.Image]:
        """Every picture by its name."""
        return {figure.name: figure.picture for part in self.sections for figure in part.figures}

    def save(self, folder: Path | str) -> Path:
        """Write every picture as `NAME.png`, then the page, which has its pictures inside.

        Returns:
            The page.
        """
        folder = Path(folder)
        ready(folder)
        encoded = {name: png(picture) for name, picture in self.pictures.items()}
        for name, data in encoded.items():
            with atomic_write(folder / f"{name}.png") as file:
                file.write(data)
        with atomic_write(folder / PAGE) as file:
            file.write(page_of(self.title, self.facts, self.sections, encoded).encode())
        return folder / PAGE


def ready(folder: Path) -> None:
    """Make the folder and see that it can be written to: before the work rather than after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise storage_error(folder, error) from error
