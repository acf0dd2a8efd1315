"""`glimpse parts`: part maps of a user's own images, for methods that learn from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.cli.options import Merge, resumable

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    help="Part maps: which pixel of an image is head, torso or legs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SHEET = "sheet.jpg"  # no PNG, which would be one more map
_SHOWN, _A_ROW = 24, 6  # images of the sheet, ours


@app.command()
def make(
    source: Annotated[
        str,
        typer.Argument(
            help="stripes:NUMBER, labels:DIR, pascal:DIR, lip:DIR, atr:DIR, pose:FILE, blazepose:FILE "
            "or world:DIR."
        ),
    ],
    images: Annotated[
        str,
        typer.Option(metavar="DIR|NAME:DIR", help="A folder of images, or the training rows of a layout."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder, or what a killed run left.")],
    merge: Merge = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Write a part map for every image, and a sheet of some of them to look at.

    A killed run goes on with the same command. Train with the maps by --parts labels:DIR.

    Example: glimpse parts make blazepose:pose_landmark_full.tflite --images photos/ --out photos-parts
    """
    from glimpse.errors import LayoutError
    from glimpse.files import printable
    from glimpse.progress import terminal_bar
    from glimpse.segmentation.sources import named_parts, write_part_maps

    teacher = named_parts(source, merge)
    paths, names = _images(images, out)
    if not paths:
        raise LayoutError(f"there are no images in {printable(images)}")
    with resumable("the same command"):
        written = write_part_maps(teacher, source, paths, names, out, terminal_bar)
    shares = _sheet(paths, names, teacher.names, out)
    if as_json:
        figures = {"images": len(paths), "made": written.made, "empty": written.empty}
        about = {"parts": list(teacher.names), "share": shares, "folder": str(out), "truth": teacher.truth}
        typer.echo(json.dumps({**figures, **about}, indent=2))
        return
    typer.echo(f"{written.made} part maps made, {len(paths) - written.made} were there: {teacher.truth}")
    if written.empty:
        typer.echo(f"nobody was found in {written.empty} of the {written.made}: they are all background")
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    typer.echo(f"of the pixels: {told}")
    typer.echo(f"look at {printable(out / SHEET)}; train with --parts labels:{printable(out)}")


def _images(images: str, out: Path) -> tuple[list[str], list[str]]:
    """The images, and the names of their maps: their places below the folder."""
    from glimpse.cli.options import read_source
    from glimpse.datasets import LAYOUTS
    from glimpse.errors import LayoutError, OptionError
    from glimpse.files import printable
    from glimpse.retriever.images import files_of

    word, colon, place = images.partition(":")
    if colon and word in {layout.name for layout in LAYOUTS}:
        paths, folder = sorted(set(read_source(images, []).train.path.tolist())), Path(place)
    else:
        folder = Path(images)
        if not folder.is_dir():
            raise LayoutError(f"there is no folder of images {printable(images)}, and no layout of that name")
        paths = files_of(images)
    if out.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(out.resolve()):
        raise OptionError(
            f"{printable(out)} and the images in {printable(folder)} must lie apart: a map is an image too"
        )
    places = [Path(path).resolve().relative_to(folder.resolve()) for path in paths]
    return paths, [str(path.with_suffix(".png")) for path in places]


def _sheet(paths: Sequence[str], names: Sequence[str], parts: Sequence[str], out: Path) -> dict[str, float]:
    """Draw the sheet of images spread evenly over all; returns the share of each part's pixels in them."""
    import numpy as np

    from glimpse.explain.drawing import Cell, Row, draw_legend, draw_sheet, over_image
    from glimpse.files import atomic_write
    from glimpse.pixels import decode
    from glimpse.pixels.decode import decode_labels
    from glimpse.segmentation.sources import part_color

    chosen = np.unique(np.linspace(0, len(paths) - 1, min(_SHOWN, len(paths))).round().astype(int))
    colors = np.array([part_color(part) for part in range(len(parts))], np.uint8)
    counts, cells = np.zeros(len(parts)), []
    for number in chosen.tolist():
        image, labels = decode(paths[number]), decode_labels(out / names[number])
        counts += np.bincount(labels.ravel(), minlength=len(parts))[: len(parts)]
        cells += [Cell(image), Cell(over_image(image, colors[labels], labels > 0))]
    rows = [Row(tuple(cells[start : start + 2 * _A_ROW])) for start in range(0, len(cells), 2 * _A_ROW)]
    sheet = draw_legend(draw_sheet(rows), [(name, part_color(n)) for n, name in enumerate(parts) if n])
    with atomic_write(out / SHEET) as file:
        sheet.save(file, "JPEG", quality=92)
    return {name: float(share) for name, share in zip(parts, counts / counts.sum(), strict=True)}
