"""`Report`: sections of words and figures, written as PNG files and one page that needs no other file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from PIL import Image

from glimpse.errors import OptionError
from glimpse.files import atomic_write, printable, storage_error


@dataclass(frozen=True, eq=False)
class Figure:
    """An image with its words.

    Attributes:
        name: of its file, without the ending; each once in a report.
        image: the pixels.
        alt: what it shows, for those who cannot see it.
        caption: the line below it.
    """

    name: str
    image: Image.Image
    alt: str
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a report.

    Attributes:
        title: its heading.
        words: paragraphs on how to read it.
        figures: its images.
        table: figures as text in columns; none if empty.
    """

    title: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: str = ""


PAGE = "report.html"


@dataclass(frozen=True, eq=False)
class Report:
    """A report: a page of sections.

    Attributes:
        title: of the page.
        facts: what was looked at, by name.
        sections: in order.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()

    @property
    def images(self) -> dict[str, Image.Image]:
        """Every image by its name."""
        return {figure.name: figure.image for part in self.sections for figure in part.figures}

    def save(self, folder: Path | str) -> Path:
        """Write every image as `NAME.png`, then the page, which has its images inside.

        Returns:
            The page.
        """
        folder = Path(folder)
        ready(folder)
        encoded = {name: png(image) for name, image in self.images.items()}
        for name, data in encoded.items():
            with atomic_write(folder / f"{name}.png") as file:
                file.write(data)
        with atomic_write(folder / PAGE) as file:
            file.write(page_of(self.title, self.facts, self.sections, encoded).encode())
        return folder / PAGE


def ready(folder: Path) -> None:
    """Make the folder and check that it can be written to, before the work begins.

    Until the report is there its page says so. An earlier report, finished or not, may be replaced.

    Raises:
        OptionError: if other files are there, and no report.
        StorageError: if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise storage_error(folder, error) from error
    if PAGE not in present:
        if present:
            raise OptionError(
                f"{printable(folder)} is not empty, and no report is there to replace: "
                "choose a new or an empty folder"
            )
        with atomic_write(folder / PAGE) as file:
            file.write(b"<!doctype html><title>not finished</title><p>The report is not finished yet.")
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise storage_error(folder, error) from error


_STYLE = """
:root{color-scheme:light dark;--ink:#222;--faint:#666;--paper:#fff;--edge:#ddd}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--faint:#a5a5a5;--paper:#16181b;--edge:#3a3d42}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-top:1px solid var(--edge);padding-top:1rem}
p{margin:.4rem 0;max-width:46rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.8rem 0}
dt,figcaption{color:var(--faint)}dd{margin:0;min-width:0}
figure{margin:1rem 0}figcaption{font-size:.9rem;margin-top:.3rem}
.wide{overflow-x:auto}.wide img{display:block;border-radius:4px}
pre{overflow-x:auto;font-size:.85rem;line-height:1.4;border:1px solid var(--edge);padding:.6rem}
"""


def page_of(
    title: str, facts: Mapping[str, str], sections: Iterable[Section], encoded: Mapping[str, bytes]
) -> str:
    """The page as HTML.

    Args:
        title: its heading.
        facts: below the heading, by name.
        sections: in order.
        encoded: each figure's PNG by its name.
    """
    told = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts.items())
    body = "".join(_section(section, encoded) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{_text(title)}</h1><dl>{told}</dl>{body}</main></body></html>\n"
    )


def png(image: Image.Image) -> bytes:
    """An image as the bytes of a PNG file."""
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


def _section(section: Section, encoded: Mapping[str, bytes]) -> str:
    words = "".join(f"<p>{_text(paragraph)}</p>" for paragraph in section.words)
    table = f'<pre tabindex="0">{_text(section.table)}</pre>' if section.table else ""
    figures = "".join(_figure(figure, encoded[figure.name]) for figure in section.figures)
    return f"<section><h2>{_text(section.title)}</h2>{words}{table}{figures}</section>\n"


def _figure(figure: Figure, data: bytes) -> str:
    source = base64.b64encode(data).decode("ascii")
    width, height = figure.image.size
    caption = f"<figcaption>{_text(figure.caption)}</figcaption>" if figure.caption else ""
    return (
        f'<figure><div class="wide" tabindex="0"><img width="{width}" height="{height}" '
        f'alt="{_text(figure.alt)}" src="data:image/png;base64,{source}"></div>{caption}</figure>'
    )


def _text(text: str) -> str:
    """Words of any origin, which may be file names: bytes that are no text become question marks."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)
