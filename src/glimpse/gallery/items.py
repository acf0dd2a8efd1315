"""Images on their way into a gallery: their identity, their columns, their thumbnails."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError, OptionError, RecordsError, StorageError
from glimpse.files import read_file
from glimpse.gallery.store import MASK, THUMBNAIL, VECTOR, Rows, pa, schema_of, vector_column
from glimpse.pixels import decode
from glimpse.records import JUNK, NO_MODALITY, TEXT, Records
from glimpse.retriever.images import files_of

Images = str | Path | Records | Sequence[str | Path]
TRACKS = ("track", "tracklet")
"""Extra columns of records that name a track."""
_TOLD: dict[str, type[Any]] = {"person": int, "camera": int, "time": float, "track": str}
THUMBNAILS = ("none", "plain", "blurred")
_HEIGHT = 128  # our choice: pixels of a thumbnail
_HEAD = 0.2  # our choice: the upper fifth of a crop has the head


def records_of(images: Images, given: Mapping[str, Any]) -> Records:
    """A row per image, with a source and a track in extra columns.

    Args:
        images: a folder, searched to its depth; a file; a list of these; or records.
        given: columns that the caller tells of all of them; they count before those of the records.
    """
    if isinstance(images, Records):
        records = images
        if np.any(records.modality == TEXT):
            raise RecordsError("these records hold captions: a gallery holds images")
    else:
        places = [images] if isinstance(images, str | Path) else images
        paths = list(dict.fromkeys(file for place in places for file in files_of(place)))
        records = Records.from_columns(paths, JUNK, modality=NO_MODALITY)
    track = next((_texts(records.extra[name]) for name in TRACKS if name in records.extra), "")
    source = _texts(records.extra["source"]) if "source" in records.extra else ""
    records = records.without_columns(*records.extra).with_columns(
        path=[str(Path(path).absolute()) for path in records.path], track=track, source=source
    )
    return records.with_columns(**{name: value for name, value in given.items() if value is not None})


def told_by_names(records: Records, pattern: str) -> Records:
    r"""Columns read from the images' names; a name that does not fit leaves them as they are.

    Args:
        records: of images.
        pattern: a regular expression that is found in the name, with groups called as the columns: person,
            camera, time, track.

    >>> records = Records.from_columns(["people/0007_c2s1_000123.jpg", "note.jpg"], JUNK)
    >>> told = told_by_names(records, r"(?P<person>\d+)_c(?P<camera>\d)s\d_(?P<time>\d+)")
    >>> told.person.tolist(), told.camera.tolist(), told.time.tolist()
    ([7, -1], [2, -1], [123.0, nan])
    """
    try:
        name = re.compile(pattern)
    except re.error as error:
        raise OptionError(f"{pattern!r} is no regular expression: {error}") from error
    wrong = set(name.groupindex) - set(_TOLD)
    if wrong or not name.groupindex:
        raise OptionError(f"{pattern!r} must name groups (?P<name>...) out of {', '.join(_TOLD)}")
    known = {column: records.column(column).copy() for column in name.groupindex if column != "track"}
    known |= {"track": np.full(len(records), "", object)} if "track" in name.groupindex else {}
    fitting = 0
    for row, path in enumerate(records.path):
        found = name.search(Path(path).name)
        fitting += found is not None
        for column, text in (found.groupdict() if found else {}).items():
            if text is not None:
                known[column][row] = _number(column, text, path)
    if len(records) and not fitting:
        raise OptionError(f"{pattern!r} fits no image's name, such as {Path(records.path[0]).name}")
    return records.with_columns(**known)


def _number(column: str, text: str, path: str) -> Any:
    try:
        return _TOLD[column](text)
    except ValueError:
        raise OptionError(f"the {column} of {Path(path).name} must be a number, got {text!r}") from None


def stored_records(rows: Rows) -> Records:
    """The records of rows that a gallery holds, to be added to another space of it."""
    columns = {
        name: rows.column(name).to_pylist() for name in ("path", "person", "camera", "modality", "kind")
    }
    columns |= {name: np.array(rows.column(name).to_pylist(), object) for name in ("caption",)}
    extra = {name: np.array(rows.column(name).to_pylist(), object) for name in ("track", "source")}
    return Records.from_columns(**columns, time=rows.column("time").to_numpy(), extra=extra)


def _texts(values: Any) -> list[str]:
    if values.ndim > 1:
        raise RecordsError("the columns track and source of a gallery hold a name per row")
    return [str(value) for value in values.tolist()]


def content_id(path: str) -> str:
    """SHA-256 of an image's file.

    Raises:
        BrokenImageError: if it cannot be read, or has a name that no table can hold.
    """
    _name(path)
    try:
        return hashlib.sha256(read_file(path, "image")).hexdigest()
    except StorageError as error:
        raise BrokenImageError(path, str(error).rpartition(": ")[2]) from error


def _name(path: str) -> bytes:
    try:
        return path.encode()
    except UnicodeEncodeError:
        raise BrokenImageError(path, "its name is no valid UTF-8") from None


def embedding_id(path: str, vector: Any) -> str:
    """For an image whose file is elsewhere: SHA-256 of its path and its vector."""
    return hashlib.sha256(_name(path) + b"\0" + np.ascontiguousarray(vector).tobytes()).hexdigest()


def rows_of(
    records: Records,
    ids: Sequence[str],
    embeddings: Embeddings,
    moment: int,
    thumbnails: Sequence[bytes | None],
) -> Rows:
    """The rows of a table, as `schema_of` has them; `added` counts up from a moment."""
    schema = schema_of(embeddings.dim, embeddings.masks is not None)
    unknown = np.isnan(records.time)
    columns: dict[str, Any] = {
        "id": list(ids),
        "added": moment + np.arange(len(records)),
        "time": pa.array(records.time, mask=unknown),
        THUMBNAIL: pa.array(list(thumbnails), pa.binary()),
        VECTOR: vector_column(embeddings.vectors),
    }
    if embeddings.masks is not None:
        columns[MASK] = vector_column(embeddings.masks)
    for name in schema.names:
        if name not in columns:
            columns[name] = records.column(name)
    return pa.table([pa.array(columns[n], schema.field(n).type) for n in schema.names], schema=schema)


def thumbnail(path: str, kind: str) -> bytes | None:
    """A small JPEG of an image, its upper fifth blurred if `kind` is blurred; None for none.

    >>> thumbnail("anywhere.jpg", "none") is None
    True
    """
    if kind not in THUMBNAILS:
        raise OptionError(f"thumbnails are {', '.join(THUMBNAILS)}, not {kind!r}")
    if kind == "none":
        return None
    from PIL import Image, ImageFilter

    image = Image.fromarray(decode(path))
    if kind == "blurred":
        # before it is made small: nothing of the sharp head is left in any pixel
        head = (0, 0, image.width, max(1, round(image.height * _HEAD)))
        image.paste(image.crop(head).filter(ImageFilter.GaussianBlur(image.height / 16)), head)
    image = image.resize((max(1, round(image.width * _HEIGHT / image.height)), _HEIGHT))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()
