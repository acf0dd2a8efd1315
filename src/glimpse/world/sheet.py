"""The contact sheet: people down, kinds and bands across, as an image or as a page."""

import base64
import html
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glimpse.world.frame import PARTS, Band, Frames, Kind, MaskSide, Shot
from glimpse.world.person import Person
from glimpse.world.world import World


@dataclass(frozen=True)
class Column:
    """One column of the sheet: its title, and what is rendered in it."""

    title: str
    kind: Kind
    band: Band
    side: MaskSide | None = None


COLUMNS = (
    Column("whole", "whole", "rgb"),
    Column("whole", "whole", "rgb"),
    Column("occluded", "occluded", "rgb"),
    Column("occluded", "occluded", "rgb"),
    Column("occluded", "occluded", "rgb"),
    Column("partial, upper", "partial", "rgb", "upper"),
    Column("partial, side", "partial", "rgb", "left"),
    Column("near infrared", "whole", "near_infrared"),
    Column("thermal", "whole", "thermal"),
)
_HEADING, _LABEL, _GAP = 18, 26, 3  # pixels


@dataclass(frozen=True)
class Row:
    """One person of the sheet and the images, one per column."""

    index: int
    person: Person
    frames: Frames


def sheet_rows(world: World, people: int, size: tuple[int, int], samples: int = 4) -> Iterator[Row]:
    """Render the sheet row by row.

    The people are chosen so that patterns, garments and carried things are many, the occluders so
    that each kind comes before one comes twice.
    """
    shown: dict[str, int] = {}
    for place, index in enumerate(_varied_people(world.people, people)):
        shots = [_shot(world, index, place + n, n, column, shown) for n, column in enumerate(COLUMNS)]
        yield Row(index, world.people[index], world.render(shots, size=size, samples=samples))


def _shot(world: World, person: int, turn: int, seed: int, column: Column, shown: dict[str, int]) -> Shot:
    camera = turn % len(world.cameras)
    occluder = None
    if column.kind == "occluded":
        choices = [
            (shown.get(it.kind, 0), (c - turn) % len(world.cameras), n, c, it.kind)
            for c, eye in enumerate(world.cameras)
            for n, it in enumerate(eye.scene.occluders)
        ]
        _, _, occluder, camera, kind = min(choices)
        shown[kind] = shown.get(kind, 0) + 1
    shot = world.shot(person, camera, seed, column.kind, column.band, occluder=occluder)
    return (
        shot
        if column.side is None
        else world.shot(person, camera, seed, column.kind, column.band, side=column.side)
    )


def _varied_people(people: Sequence[Person], count: int) -> list[int]:
    """The indices of `count` people, each time whoever shows most that has not been seen."""
    seen: dict[str, int] = {}
    chosen: list[int] = []

    def traits(person: Person) -> list[str]:
        worn = [person.upper.cloth.pattern, person.upper.kind, person.lower.kind, person.hair.style]
        return worn + [thing.kind for thing in person.carried]

    while len(chosen) < min(count, len(people)):
        left = [i for i in range(len(people)) if i not in chosen]
        best = max(left, key=lambda i: sum(1.0 / (1 + 3 * seen.get(t, 0)) for t in traits(people[i])))
        for trait in traits(people[best]):
            seen[trait] = seen.get(trait, 0) + 1
        chosen.append(best)
    return sorted(chosen)


def describe(person: Person) -> str:
    """A person's attributes in one line, as data rather than as a sentence."""
    upper, lower = person.upper, person.lower
    words = [
        f"{person.body.height:.2f} m",
        f"{person.skin.name} skin",
        person.hair.style
        if person.hair.style == "bald"
        else f"{person.hair.color.name} {person.hair.style} hair",
        f"{upper.cloth.color.name} {upper.cloth.material} {upper.kind}",
        f"{'no' if upper.sleeve == 'none' else upper.sleeve} sleeves",
    ]
    if upper.cloth.pattern != "plain" or upper.kind in ("jacket", "coat"):
        words.append(f"{upper.cloth.pattern} with {upper.cloth.second.name}")
    if lower.kind != "none":
        words.append(f"{lower.cloth.color.name} {lower.cloth.material} {lower.kind}")
        if lower.cloth.pattern != "plain":
            words.append(f"{lower.cloth.pattern} with {lower.cloth.second.name}")
    words.append(f"{person.shoes.name} shoes")
    words.extend(f"{thing.color.name} {thing.kind}" for thing in person.carried)
    return ", ".join(words)


def as_image(rows: Sequence[Row]) -> Image.Image:
    """The sheet as one image."""
    height, width = rows[0].frames.images.shape[1:3]
    sheet = Image.new(
        "RGB", (len(COLUMNS) * (width + _GAP), _HEADING + len(rows) * (height + _LABEL)), (250, 250, 248)
    )
    draw = ImageDraw.Draw(sheet)
    for n, column in enumerate(COLUMNS):
        draw.text((n * (width + _GAP) + 2, 3), column.title, fill=(30, 30, 30))
    for r, row in enumerate(rows):
        top = _HEADING + r * (height + _LABEL)
        for n, image in enumerate(row.frames.images):
            sheet.paste(Image.fromarray(image), (n * (width + _GAP), top))
        family = f"person {row.index}, family {row.person.family}"
        if row.person.differs_in:
            family += f" (differs in {', '.join(row.person.differs_in)})"
        draw.text((2, top + height), family, fill=(30, 30, 30))
        draw.text((2, top + height + 11), describe(row.person), fill=(90, 90, 90))
    return sheet


def as_page(rows: Sequence[Row], world: World) -> str:
    """The sheet as one self-contained page: embedded images, attributes, and what is visible."""
    body = "".join(_page_row(row, world) for row in rows)
    heads = "".join(f"<th>{html.escape(column.title)}</th>" for column in COLUMNS)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>Glimpse world {world.seed}</title><style>"
        "body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem;color:#222}"
        "table{border-collapse:collapse}th{font-weight:600;text-align:left;padding:.2rem .4rem}"
        "td{padding:.2rem .4rem;vertical-align:top;font-size:12px}td.who{max-width:16rem}"
        "img{display:block;width:96px}</style>"
        f"<h1>World {world.seed}</h1><p>{len(world.people)} people, {len(world.cameras)} cameras, "
        f"hardness {world.hardness:g}. Under each image: camera, visible fraction, what hides the rest.</p>"
        f"<table><tr><th>person</th>{heads}</tr>{body}</table></html>\n"
    )


def _page_row(row: Row, world: World) -> str:
    differs = ", ".join(row.person.differs_in) or "first of the family"
    cells = [
        f"<td class=who><b>person {row.index}</b>, family {row.person.family}<br>{html.escape(differs)}<br>"
        f"{html.escape(describe(row.person))}</td>"
    ]
    for n, shot in enumerate(row.frames.shots):
        quality = world.cameras[shot.camera].jpeg_quality
        hidden = [
            f"{name} {row.frames.visible[n, p]:.0%}"
            for p, name in enumerate(PARTS)
            if row.frames.visible[n, p] > 0
        ]
        title = html.escape("visible: " + ", ".join(hidden), quote=True)
        what = ""
        if shot.occluder >= 0:
            what = f", {world.cameras[shot.camera].scene.occluders[shot.occluder].kind}"
        elif shot.kind == "partial":
            what = f", {shot.side} kept"
        cells.append(
            f'<td><img alt="{title}" title="{title}" src="{_embedded(row.frames.images[n], quality)}">'
            f"camera {shot.camera}, {row.frames.visible_whole[n]:.0%}{what}</td>"
        )
    return f"<tr>{''.join(cells)}</tr>"


def _embedded(image: NDArray[np.uint8], quality: int) -> str:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


WRITERS: dict[str, Callable[[Sequence[Row], World], bytes]] = {
    ".png": lambda rows, world: _encoded(as_image(rows), "PNG"),
    ".jpg": lambda rows, world: _encoded(as_image(rows), "JPEG"),
    ".html": lambda rows, world: as_page(rows, world).encode("utf-8"),
}


def _encoded(image: Image.Image, kind: str) -> bytes:
    data = io.BytesIO()
    if kind == "PNG":
        image.save(data, "PNG", optimize=True)
    else:
        image.save(data, kind, quality=88)
    return data.getvalue()
