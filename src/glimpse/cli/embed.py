"""`glimpse embed`: embeddings of a folder, a list or a table of records."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.cli.options import Device, Flip, load_retriever

if TYPE_CHECKING:
    from glimpse.records import Records
    from glimpse.retriever import Retriever

_TABLES = (".csv", ".arrow", ".parquet")


class BrokenImages(StrEnum):
    """What a broken image does."""

    STOP = "stop"
    SKIP = "skip"


class Format(StrEnum):
    """What is written."""

    SAFETENSORS = "safetensors"
    DEEP_SORT = "deep-sort"


class TakenIn(StrEnum):
    """What light the images of a folder or a list were taken in."""

    RGB = "rgb"
    IR = "ir"
    GUESS = "guess"


def embed(
    retriever: Annotated[
        str, typer.Argument(metavar="RETRIEVER", help="A folder, or the name of one that comes with Glimpse.")
    ],
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="A folder of images, a .txt of paths, or records: .csv, .arrow, .parquet."
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A .safetensors file; its records are written beside it.")
    ],
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="deep-sort: rows for that tracker, to a .npy file, from a table with the columns frame, "
            "box:float32[4] (left, top, width, height) and perhaps confidence.",
        ),
    ] = Format.SAFETENSORS,
    records_as: Annotated[
        str, typer.Option("--records-as", metavar="ENDING", help="How records are written.")
    ] = ".csv",
    broken: Annotated[
        BrokenImages,
        typer.Option("--broken", help="Whether a broken image ends the work or is skipped."),
    ] = BrokenImages.STOP,
    modality: Annotated[
        TakenIn | None,
        typer.Option(
            "--modality",
            help="Of all images of a folder or list, unknown if left out; guess: infrared if without colors.",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Images that each thread takes at once; our choice if left out."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads, at most 4 per core; one per core if left out.")
    ] = None,
    device: Device = "auto",
    flip: Flip = False,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Compute in bfloat16: faster for larger networks.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Embed images, or the images and captions of a table.

    Example: glimpse embed colors photos/ photos.safetensors
    """
    from glimpse.errors import OptionError
    from glimpse.files import printable
    from glimpse.pixels import OnBroken
    from glimpse.progress import terminal_bar
    from glimpse.retriever.retriever import BATCH

    ending = ".npy" if format is Format.DEEP_SORT else ".safetensors"
    if out.suffix != ending:
        raise OptionError(f"embeddings are written as {ending}, not to {out}")
    if records_as not in _TABLES:
        raise OptionError(f"--records-as is an ending: {', '.join(_TABLES)}, got {records_as!r}")
    table = out.with_suffix(records_as)
    if table.absolute() == source.absolute():
        raise OptionError(f"the records beside {out} would overwrite {source}: choose another name")
    records = source_records(source, modality, workers)
    loaded = load_retriever(retriever, device=device, bfloat16=bfloat16, flip=flip)
    if format is Format.DEEP_SORT:
        skip = broken is BrokenImages.SKIP
        size = BATCH if batch is None else batch
        _write_detections(loaded, records, out, skip=skip, batch=size, workers=workers, as_json=as_json)
        return
    started = time.perf_counter()
    embedded = loaded.embed_to_file(
        records,
        out,
        batch=BATCH if batch is None else batch,
        workers=workers,
        on_broken=OnBroken(broken.value),
        progress=terminal_bar,
        table=table,
    )
    seconds = time.perf_counter() - started
    skipped = {str(records.path[row]): error.reason for row, error in sorted(embedded.broken.items())}
    rows, dim = embedded.embeddings.vectors.shape
    if as_json:
        figures = {
            "embeddings": str(out),
            "records": str(table),
            "rows": rows,
            "dim": dim,
            "masks": embedded.embeddings.masks is not None,
            "skipped": skipped,
            "seconds": seconds,
        }
        typer.echo(json.dumps(figures, indent=2, ensure_ascii=False))
        return
    for path, reason in skipped.items():
        typer.echo(f"left out {printable(path)}: {reason}", err=True)
    typer.echo(f"{rows} x {dim} in {out}, their records in {table}: {rows / max(seconds, 1e-9):.0f} a second")


def _write_detections(
    loaded: Retriever,
    records: Records,
    out: Path,
    *,
    skip: bool,
    batch: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Rows for DeepSORT, from a table that names frames and boxes."""
    import numpy as np

    from glimpse.errors import LayoutError
    from glimpse.files import atomic_write, printable
    from glimpse.progress import terminal_bar
    from glimpse.retriever.detections import detection_rows, detections

    first = detections(records)
    if skip:
        embedded = loaded.embed_usable(records, batch=batch, workers=workers, progress=terminal_bar)
        if embedded.broken and not len(embedded.rows):
            raise LayoutError(f"none of the {len(embedded.broken)} images can be used")
        vectors, first, broken = embedded.embeddings, first[embedded.rows], embedded.broken
    else:
        vectors, broken = loaded.embed(records, batch=batch, workers=workers, progress=terminal_bar), {}
    with atomic_write(out) as file:
        np.save(file, detection_rows(first, vectors), allow_pickle=False)
    skipped = {str(records.path[row]): error.reason for row, error in sorted(broken.items())}
    if as_json:
        figures = {"detections": str(out), "rows": len(first), "dim": vectors.dim, "skipped": skipped}
        typer.echo(json.dumps(figures, indent=2, ensure_ascii=False))
        return
    for path, reason in skipped.items():
        typer.echo(f"left out {printable(path)}: {reason}", err=True)
    typer.echo(f"{len(first)} x (10 + {vectors.dim}) in {printable(out)}")


def source_records(source: Path, modality: TakenIn | None, workers: int | None) -> Records:
    """A row per image; images of a folder or a list are of nobody known, and taken in the light told."""
    from glimpse.datasets.reading import read_lines
    from glimpse.errors import LayoutError, OptionError
    from glimpse.files import printable
    from glimpse.progress import terminal_bar
    from glimpse.records import JUNK, NO_MODALITY, Records
    from glimpse.retriever.images import files_of, guess_modalities
    from glimpse.runtime import cores

    if source.suffix in _TABLES:
        if modality is not None:
            raise OptionError(
                f"--modality is for folders and lists: the column modality of {printable(source)} tells it"
            )
        records = Records.load(source)
        beside = [path if Path(path).is_absolute() else str(source.parent / path) for path in records.path]
        return records.with_columns(path=beside)
    if not source.exists():
        raise LayoutError(f"there is nothing at {printable(source)}")
    if source.suffix == ".txt":
        paths = [str(source.parent / line) for line in read_lines(source)]
    else:
        paths = files_of(source)
    if not paths:
        raise LayoutError(f"the list {printable(source)} names no images")
    if modality is TakenIn.GUESS:
        told = guess_modalities(paths, workers=cores() if workers is None else workers, progress=terminal_bar)
        return Records.from_columns(paths, JUNK, modality=told)
    return Records.from_columns(paths, JUNK, modality=NO_MODALITY if modality is None else modality.value)
