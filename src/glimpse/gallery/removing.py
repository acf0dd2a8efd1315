"""Rows on their way out: deleted from the tables, or erased from every file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glimpse.gallery.held import Held
from glimpse.gallery.where import Where


def delete_rows(held: Held, where: Where) -> int:
    """Take rows out of every space; how many images. The lock is held."""
    ids: set[str] = set()
    for space in held.manifest.spaces:
        found = {one for b in held.store.scan(space.table, ("id",), where) for one in b.column(0).to_pylist()}
        if found:
            held.store.delete(space.table, where)
        ids |= found
    return len(ids)


def erase_rows(held: Held, where: Where, action: str, told: dict[str, Any]) -> int:
    """Delete rows and rewrite every file that may hold a byte of them; how many images.

    That it has begun is noted before the first row goes: what a kill interrupts, the next change finishes.
    """
    with held.writing():
        held.audit.write(action, "begun", **told)
        held.write(replace(held.manifest, unfinished=True))
        found = delete_rows(held, where)
        held.compact()
        held.write(replace(held.manifest, unfinished=False))
        held.audit.write(action, **told, images=found)
    return found
