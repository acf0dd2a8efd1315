"""`LanceStore`: tables in LanceDB, on a local disk or wherever Lance can write (extra `gallery`).

All that depends on LanceDB is here. What was found of it (0.40), and holds in the tests:

- Deleting marks rows, and `optimize` rewrites a file only when a tenth of it is deleted: the bytes of a
  deleted row stay on the disk. So `compact` writes the whole table anew, as one change, and removes all older
  files, those of killed writers included.
- Files of old versions are gone after `compact`; who was reading them gets an error and reads again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import StorageError
from glimpse.extras import require
from glimpse.files import printable
from glimpse.gallery.store import VECTOR, ChangedError, Rows, Size
from glimpse.gallery.where import Where

_ALL = 2**31 - 1  # LanceDB gives 10 rows unless told
_FULL = ("No space left", "os error 28", "os error 122", "os error 27")


class LanceStore:
    """Tables below one folder or address.

    Args:
        address: a local folder, or any address that Lance takes, as s3://bucket/people.
    """

    def __init__(self, address: str) -> None:
        lancedb = require("lancedb", extra="gallery", purpose="a gallery")
        self.address = address
        with self._told():
            self._database = lancedb.connect(address)
        self._tables: dict[str, Any] = {}

    def tables(self) -> list[str]:
        """See `Store.tables`."""
        with self._told():
            return sorted(self._database.list_tables(limit=10_000).tables)

    def create(self, table: str, schema: Any) -> None:
        """See `Store.create`."""
        with self._told():
            self._tables[table] = self._database.create_table(table, schema=schema, exist_ok=True)

    def version(self, table: str) -> int:
        """See `Store.version`."""
        with self._told():
            self._table(table).checkout_latest()
            return int(self._table(table).version)

    def append(self, table: str, rows: Rows) -> None:
        """See `Store.append`."""
        with self._told(), self._tidied(table):
            self._table(table).add(rows)

    def delete(self, table: str, where: Where) -> int:
        """See `Store.delete`."""
        with self._told():
            return int(self._table(table).delete(predicate(where) or "true").num_deleted_rows)

    def scan(self, table: str, columns: Sequence[str], where: Where | None = None) -> Iterator[Any]:
        """See `Store.scan`."""
        with self._told():
            query = self._table(table).search().select(list(columns)).limit(_ALL)
            condition = predicate(where or Where())
            yield from (query.where(condition) if condition else query).to_batches()

    def candidates(
        self, table: str, vector: NDArray[np.float32], count: int, where: Where | None = None
    ) -> Rows:
        """See `Store.candidates`."""
        with self._told():
            query = (
                self._table(table).search(vector, vector_column_name=VECTOR).distance_type("dot").limit(count)
            )
            condition = predicate(where or Where())
            found = (query.where(condition, prefilter=True) if condition else query).to_arrow()
            return found.drop_columns(["_distance"])

    def compact(self, table: str) -> None:
        """See `Store.compact`."""
        with self._told():
            held = self._table(table)
            held.checkout_latest()
            with self._tidied(table):
                if held.count_rows():
                    held.add(held.search().limit(_ALL).to_batches(), mode="overwrite")
                else:
                    held.add(held.schema.empty_table(), mode="overwrite")
            self._forget(table)

    def size(self, table: str) -> Size:
        """See `Store.size`."""
        with self._told():
            held = self._table(table)
            held.checkout_latest()
            rows, versions = int(held.count_rows()), len(held.list_versions())
        folder = Path(self.address) / f"{table}.lance"
        if not folder.is_dir():
            return Size(rows, versions, None)
        return Size(rows, versions, sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()))

    def _table(self, table: str) -> Any:
        if table not in self._tables:
            self._tables[table] = self._database.open_table(table)
        return self._tables[table]

    def _forget(self, table: str) -> None:
        """Remove every file that the present version does not need; nobody else writes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of readers, who read again
            self._table(table).optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    @contextmanager
    def _tidied(self, table: str) -> Iterator[None]:
        """Remove what a write that fails has written: it is of no version, and the disk may be full."""
        data = Path(self.address) / f"{table}.lance" / "data"
        before = set(data.iterdir()) if data.is_dir() else set()
        try:
            yield
        except (RuntimeError, OSError):
            for file in data.iterdir() if data.is_dir() else ():
                if file not in before:
                    with suppress(OSError):
                        file.unlink()
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever Lance raises, as one sentence."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            said = str(error)
            if any(word in said for word in _FULL):
                raise StorageError(f"cannot write {printable(self.address)}: the disk is full") from error
            if "Not found" in said:
                raise ChangedError(
                    f"the gallery's rows in {printable(self.address)} changed or are damaged"
                ) from error
            short = printable(" ".join(said.split())[:200])
            raise StorageError(f"the gallery's rows in {printable(self.address)}: {short}") from error
        except ValueError as error:  # what LanceDB says of a table that is not there
            if "not found" not in str(error):
                raise
            raise StorageError(f"the gallery in {printable(self.address)} lacks a table: {error}") from error


def predicate(where: Where) -> str:
    """The conditions as SQL; empty for none.

    >>> predicate(Where(camera=(1, 2), track="o'b", after=3))
    "camera IN (1, 2) AND track IN ('o''b') AND time >= 3.0"
    >>> predicate(Where(person=()))
    'false'
    """
    parts: list[str] = []
    for name, value in where.conditions.items():
        if isinstance(value, tuple):
            listed = ", ".join(_literal(one) for one in value)
            parts.append(f"{name} IN ({listed})" if value else "false")
    for name, column, sign in (
        ("after", "time", ">="),
        ("before", "time", "<"),
        ("added_before", "added", "<"),
    ):
        bound = getattr(where, name)
        if bound is not None:
            parts.append(
                f"{column} {sign} {float(bound)!r}" if column == "time" else f"{column} {sign} {bound}"
            )
    return " AND ".join(parts)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
