"""`gallery.json`: what a gallery is made of. It is replaced whole; the rows are the store's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.files import atomic_write, printable
from glimpse.retriever.codec import (
    Arrays,
    comparison_from_text,
    comparison_to_text,
    read_arrays,
    write_arrays,
)
from glimpse.serial import WrongKeysError, WrongValueError, from_plain, parse_json, to_plain
from glimpse.similarity import Similarity

MANIFEST = "gallery.json"
FORMAT = "glimpse-gallery-1"


@dataclass(frozen=True)
class Space:
    """Vectors that one retriever made, in a table of their own: those of another are not comparable.

    Attributes:
        name: what people call it.
        digest: of the retriever.
        table: in the store.
        dim: of the vectors.
        masked: whether each has a mask.
        comparison: how they are compared, as `glimpse.retriever.codec` writes it.
        retriever: a folder, or the name of one that comes with Glimpse; None for vectors made elsewhere.
        candidates: how many rows the engine hands over for exact scoring; None: all rows are scored.
    """

    name: str
    digest: str
    table: str
    dim: int
    masked: bool
    comparison: str
    retriever: str | None = None
    candidates: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a gallery is made of.

    Attributes:
        store: lance, or milvus.
        address: of the store; empty for a folder inside the gallery's own.
        default: the space that is searched.
        spaces: in the order they were made.
        unfinished: an erasure or an expiry has begun, and files may still hold what was deleted.
        thumbnails: none, plain or blurred.
        keep_days: how long `expire` keeps rows; None for no rule.
        format: of this file.
    """

    store: str
    address: str
    default: str
    spaces: tuple[Space, ...]
    unfinished: bool = False
    thumbnails: str = "none"
    keep_days: float | None = None
    format: str = FORMAT

    def space(self, name: str | None = None) -> Space:
        """The space of that name, the default one if it is not said."""
        for space in self.spaces:
            if space.name == (self.default if name is None else name):
                return space
        there = ", ".join(space.name for space in self.spaces)
        raise OptionError(f"the gallery has no space {name!r}; there are {there}")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of a gallery."""
    with atomic_write(folder / MANIFEST) as file:
        file.write((json.dumps(to_plain(manifest), indent=1) + "\n").encode())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a gallery."""
    shown = printable(folder)
    try:
        values = parse_json((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StorageError(f"there is no gallery in {shown}: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"the {MANIFEST} of the gallery {shown} cannot be read: {error}") from error
    kind = values.get("format") if isinstance(values, dict) else None
    if kind != FORMAT:
        raise StorageError(f"the gallery {shown} is of format {kind!r}, this Glimpse reads {FORMAT}")
    try:
        return from_plain(Manifest, values, complete=True)
    except (WrongKeysError, WrongValueError) as error:
        raise StorageError(f"the {MANIFEST} of the gallery {shown} is damaged: {error}") from error


def write_comparison(folder: Path, table: str, similarity: Similarity) -> str:
    """How the vectors of a table are compared, as the manifest has it; its arrays go beside."""
    arrays: Arrays = {}
    text = comparison_to_text(similarity, None, arrays)
    write_arrays(folder, arrays, f"{table}.safetensors")
    return text


def read_comparison(folder: Path, space: Space) -> Similarity:
    """Back from `write_comparison`."""
    try:
        arrays = read_arrays(folder, f"{space.table}.safetensors")
        return comparison_from_text(space.comparison, arrays)[0]
    except (OptionError, ShapeError) as error:
        raise StorageError(f"the space {space.name} of the gallery cannot be used: {error}") from error
