"""`glimpse gallery`: keep images of people, find somebody among them, and forget them again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glimpse.cli.embed import TakenIn
from glimpse.cli.options import resumable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glimpse.gallery import Access, Answer, Gallery
    from glimpse.gallery.searching import Query

app = typer.Typer(
    help="People who can be found again: add, search, delete, expire, erase.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Argument(metavar="GALLERY", help="Its folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]
Purpose = Annotated[str, typer.Option(help="Why, for the audit log.")]
Who = Annotated[
    str | None,
    typer.Option("--as", metavar="WHO", help="Who acts, for the audit log; the account if left out."),
]
NoWait = Annotated[
    bool,
    typer.Option("--no-wait", help="Refuse instead of waiting while another process changes the gallery."),
]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Which rows: id, person, camera, source, track, path, kind, modality; after and before for the "
        "time. All must hold; the same key again is one more value.",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU if there is one.")]
Workers = Annotated[int | None, typer.Option(help="Threads, at most 4 per core; one per core if left out.")]


@app.command()
def add(
    gallery: Folder,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[IN]...",
            help="Images, folders of images, a .txt of paths, records (.csv, .arrow, .parquet), or "
            "embeddings (.safetensors) with their records beside.",
        ),
    ] = None,
    retriever: Annotated[
        str | None,
        typer.Option(
            help="A folder, or the name of one that comes with Glimpse: of a new gallery, or one more for "
            "all that it holds."
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="What images' names tell, by groups called person, camera, time and track: "
            "'(?P<person>\\d+)_c(?P<camera>\\d+)'.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where they come from, in a word.")] = None,
    camera: Annotated[int | None, typer.Option(min=0, help="Of all of them.")] = None,
    modality: Annotated[
        TakenIn | None, typer.Option(help="Of all images of folders and lists; unknown if left out.")
    ] = None,
    made_by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of embeddings: the model that Glimpse does not run.")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option(help="Of a new gallery: how long `expire` keeps rows.")
    ] = None,
    thumbnails: Annotated[
        str | None, typer.Option(help="Of a new gallery: none, plain, or blurred at the head.")
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            help="Of a new gallery or retriever: score only so many rows that the engine hands over; all if "
            "left out, which is exact."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Of a new gallery: where rows are kept, as s3://bucket/people."),
    ] = None,
    workers: Workers = None,
    device: Device = "auto",
    purpose: Purpose = "",
    who: Who = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Add images, and make the gallery if it is not there. What is there already stays as it is.

    Example: glimpse gallery add people photos/ --retriever vit-micro
    """
    from glimpse.errors import OptionError
    from glimpse.files import printable
    from glimpse.gallery import Added, Gallery
    from glimpse.gallery.manifest import MANIFEST
    from glimpse.progress import terminal_bar

    access = _access(who, purpose, no_wait, device)
    inputs = [_input(place, modality, names, workers) for place in images or []]
    new = not (gallery / MANIFEST).exists()
    of_new = {"keep_days": keep_days, "thumbnails": thumbnails, "address": address}
    told = {name: value for name, value in of_new.items() if value is not None}
    done = Added(0, 0, {})
    with resumable("the same command"):
        if new:
            opened = _created(gallery, retriever, made_by, inputs, candidates, told, access)
        else:
            if told:
                raise OptionError(f"--{min(told).replace('_', '-')} is for new galleries; {gallery} is there")
            opened = Gallery.open(gallery, access=access)
            if retriever is not None:
                done = opened.add_space(
                    retriever, candidates=candidates, workers=workers, progress=terminal_bar
                )
            elif candidates is not None or not inputs:
                raise OptionError("there is nothing to add: name images, or a retriever with --retriever")
        for records, embeddings, digest in inputs:
            more = opened.add(
                records,
                embeddings=embeddings,
                made_by=made_by or digest,
                source=source,
                camera=camera,
                workers=workers,
                progress=terminal_bar,
            )
            done = Added(done.added + more.added, done.present + more.present, done.broken | more.broken)
    if as_json:
        _print_json(dataclasses.asdict(done))
    else:
        for path, reason in done.broken.items():
            typer.echo(f"left out {printable(path)}: {reason}", err=True)
        typer.echo(f"{done.added} added, {done.present} were there already")
    if done.broken and not done.added and not done.present:
        raise OptionError(f"none of the {len(done.broken)} images can be used")


@app.command()
def search(
    gallery: Folder,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", help="Images of one person; together they are one query."),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A sentence, for retrievers that read; may be repeated.")
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="More like this image of the gallery.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Less like this image of the gallery.")
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=100_000, help="How many are found.")] = 10,
    each_image: Annotated[
        bool, typer.Option("--images", help="Every image is an answer, instead of every person or track.")
    ] = False,
    where: Conditions = None,
    space: Annotated[
        str | None, typer.Option(help="Search the vectors of this retriever; the default one if left out.")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Score every row.")] = False,
    candidates: Annotated[
        int | None, typer.Option(help="Score only so many rows that the engine hands over.")
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, help="That took the query, for networks that ask.")
    ] = None,
    modality: Annotated[
        TakenIn | None, typer.Option(help="Of the query, for networks that ask: rgb or ir.")
    ] = None,
    device: Device = "auto",
    purpose: Purpose = "",
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Find somebody by images, by a sentence, by earlier answers, or by all of these.

    Example: glimpse gallery search people query.jpg --where camera=3
    """
    from glimpse.errors import OptionError
    from glimpse.gallery import Gallery, Where

    if modality is TakenIn.GUESS:
        raise OptionError("the modality of a query is rgb or ir")
    opened = Gallery.open(gallery, access=_access(who, purpose, False, device))
    examples: list[Query] = [*(images or []), *(opened.match(id) for id in like or [])]
    answer = opened.search(
        examples,
        text=text or (),
        unlike=[opened.match(id) for id in unlike or []],
        k=k,
        where=Where.parse(where or []),
        space=space,
        group=not each_image,
        candidates=candidates,
        exact=exact,
        cameras=camera,
        modalities=None if modality is None else modality.value,
    )
    if as_json:
        _print_json(dataclasses.asdict(answer))
    else:
        _print_answer(answer)


@app.command()
def delete(
    gallery: Folder,
    where: Conditions = None,
    purpose: Purpose = "",
    who: Who = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take rows out. Their bytes stay in the gallery's files until `compact`; `erase` leaves none.

    Example: glimpse gallery delete people --where source=door
    """
    from glimpse.gallery import Where

    count = _opened(gallery, who, purpose, no_wait).delete(Where.parse(where or []))
    _print_count("deleted", count, as_json)


@app.command()
def expire(
    gallery: Folder,
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="Since they were added; the gallery's own rule if left out."),
    ] = None,
    where: Conditions = None,
    purpose: Purpose = "",
    who: Who = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Erase what was added longer ago than so many days.

    Example: glimpse gallery expire people --older-than 30
    """
    from glimpse.gallery import Where

    opened = _opened(gallery, who, purpose, no_wait)
    count = opened.expire(older_than, Where.parse(where) if where else None)
    _print_count("expired", count, as_json)


@app.command()
def erase(
    gallery: Folder,
    where: Conditions = None,
    purpose: Purpose = "",
    who: Who = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Remove people with everything derived from them; no byte of them is left in the gallery's files.

    Example: glimpse gallery erase people --where person=7 --purpose "they asked for it"
    """
    from glimpse.gallery import Where

    count = _opened(gallery, who, purpose, no_wait).erase(Where.parse(where or []))
    _print_count("erased", count, as_json)


@app.command()
def audit(
    gallery: Folder,
    last: Annotated[
        int | None, typer.Option(min=1, help="Only so many events, the newest; all if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every search and change: who, when, why and what.

    Example: glimpse gallery audit people --last 20
    """
    from glimpse.gallery import Gallery

    events = Gallery.open(gallery).audit()
    shown = events if last is None else events[-last:]
    if as_json:
        _print_json([dataclasses.asdict(event) for event in shown])
        return
    from glimpse.files import printable

    for event in shown:
        what = json.dumps(event.what, ensure_ascii=False)
        why = f"  ({event.purpose})" if event.purpose else ""
        typer.echo(printable(f"{event.time}  {event.who}  {event.action} {event.state}  {what}{why}"))


@app.command()
def info(gallery: Folder, as_json: AsJson = False) -> None:
    """Show what a gallery holds, and whether its search is exact.

    Example: glimpse gallery info people
    """
    from glimpse.files import printable
    from glimpse.gallery import Gallery

    held = Gallery.open(gallery).info()
    if as_json:
        spaces = [{**dataclasses.asdict(space), "exact": space.exact} for space in held.spaces]
        _print_json({**dataclasses.asdict(held), "spaces": spaces})
        return
    typer.echo(f"{held.images} images, {held.people} people, {held.tracks} tracks")
    if held.cameras:
        typer.echo(f"cameras {', '.join(map(str, held.cameras))}")
    if held.sources:
        typer.echo(printable(f"sources {', '.join(held.sources)}"))
    if held.times is not None:
        typer.echo(f"times {held.times[0]:g} to {held.times[1]:g}")
    for space in held.spaces:
        recall = "" if space.recall is None else f", which hold {space.recall:.3f} of the ten best"
        how = "exact" if space.exact else f"exact among {space.candidates} candidates{recall}"
        size = "" if space.bytes is None else f", {space.bytes / 1e6:.1f} MB"
        default = ", the default" if space.name == held.default else ""
        typer.echo(
            printable(
                f"space {space.name}: {space.rows} x {space.dim}, {space.similarity}, search is {how}{size}, "
                f"{space.versions} versions{default}"
            )
        )
    if held.unfinished:
        typer.echo("an erasure was cut short: the next change finishes it, as `glimpse gallery compact` does")


@app.command()
def compact(
    gallery: Folder,
    purpose: Purpose = "",
    who: Who = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Rewrite the gallery's files without what was deleted, and forget older versions.

    Example: glimpse gallery compact people
    """
    opened = _opened(gallery, who, purpose, no_wait)
    opened.compact()
    _print_count("kept", opened.info().images, as_json)


def _access(who: str | None, purpose: str, no_wait: bool, device: str = "cpu") -> Access:
    from glimpse.gallery import Access
    from glimpse.gallery.audit import account
    from glimpse.runtime import torch_device

    place = str(torch_device(device))
    return Access(who or account(), purpose, place, wait=not no_wait)


def _opened(gallery: Path, who: str | None, purpose: str, no_wait: bool) -> Gallery:
    from glimpse.gallery import Gallery

    return Gallery.open(gallery, access=_access(who, purpose, no_wait))


def _input(
    place: Path, modality: TakenIn | None, names: str | None, workers: int | None
) -> tuple[Any, Any, str | None]:
    """Records, their embeddings if there are any, and the digest of the retriever that made these."""
    from glimpse.cli.embed import source_records
    from glimpse.embeddings import MADE_BY, ROWS, Embeddings, read_about
    from glimpse.errors import OptionError
    from glimpse.files import printable
    from glimpse.gallery.items import told_by_names

    embeddings, about = None, dict[str, str]()
    if place.suffix == ".safetensors":
        embeddings, about = Embeddings.load(place), read_about(place)
        tables = [place.with_suffix(ending) for ending in (".csv", ".arrow", ".parquet")]
        table = next((table for table in tables if table.is_file()), None)
        if table is None:
            raise OptionError(f"the records of {printable(place)} must lie beside it, as {tables[0].name}")
        records = source_records(table, modality, workers)
        from glimpse.records import Records

        if about.get(ROWS) not in (None, Records.load(table).digest):
            raise OptionError(
                f"{printable(place)} holds the vectors of other records than {printable(table)}"
            )
    else:
        records = source_records(place, modality, workers)
    return (records if names is None else told_by_names(records, names)), embeddings, about.get(MADE_BY)


def _created(
    gallery: Path,
    retriever: str | None,
    made_by: str | None,
    inputs: Sequence[tuple[Any, Any, str | None]],
    candidates: int | None,
    told: dict[str, Any],
    access: Access,
) -> Gallery:
    """A new gallery, for a retriever, or for the first embeddings of a model that Glimpse does not run."""
    from glimpse.errors import OptionError
    from glimpse.files import printable
    from glimpse.gallery import Gallery, MadeElsewhere

    if retriever is not None:
        return Gallery.create(gallery, retriever, candidates=candidates, access=access, **told)
    embeddings = next((one for _, one, _ in inputs if one is not None), None)
    if made_by is None or embeddings is None:
        raise OptionError(
            f"there is no gallery at {printable(gallery)}: to make one, name what makes its vectors with "
            "--retriever, as vit-micro, or add embeddings and name their model with --made-by"
        )
    model = MadeElsewhere(made_by, embeddings.dim, masked=embeddings.masks is not None)
    return Gallery.create(gallery, model, candidates=candidates, access=access, **told)


def _print_answer(answer: Answer) -> None:
    from glimpse.files import printable

    for rank, found in enumerate(answer.found, start=1):
        best = found.best
        who = f"person {best.person}" if best.person is not None else best.track and f"track {best.track}"
        camera = "" if best.camera is None else f"camera {best.camera}"
        count = f"{found.images} image{'s' * (found.images != 1)}"
        about = "  ".join(filter(None, (who, count, camera, best.id[:12], best.path)))
        typer.echo(printable(f"{rank:>3}  {found.score:.3f}  {about}"))
    how = "all scored" if answer.exact else "the engine's candidates"
    typer.echo(f"{answer.searched} images searched, {how}, by {answer.space}")


def _print_count(done: str, count: int, as_json: bool) -> None:
    if as_json:
        _print_json({done: count})
    else:
        typer.echo(f"{count} images {done}")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
