"""Records on disk: CSV in the core, Arrow IPC and Parquet through pyarrow.

A CSV's extra columns carry their type in the header, `name:float32` or `parts:float32[8]`,
so that a table comes back as it was saved; a header without a type is read as text.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.errors import RecordsError, StorageError
from glimpse.extras import require
from glimpse.files import atomic_write, printable, read_file
from glimpse.records.columns import CORE_COLUMNS, Array
from glimpse.records.table import Records

_HEADER = re.compile(
    r"(?P<name>[^:\[\]]+)(?::(?P<dtype>\w+)(?:\[(?P<shape>[0-9]{1,9}(?:x[0-9]{1,9}){0,7})\])?)?"
)
_CORE_TYPES: dict[str, type] = {"person": np.int64, "camera": np.int64, "time": np.float64}
_SHAPES = b"glimpse.shapes"
_MOST_DIMENSIONS = 8
_LONGEST_SHOWN = 160  # characters of what is wrong


def save(records: Records, path: Path) -> None:
    """Write `records` to `path` in the format that its ending names, all or nothing."""
    write, _ = _format(path)
    check_saved_as(records, path)
    write(records, path)


def check_saved_as(records: Records, path: Path) -> None:
    """Refuse what the format of `path` cannot hold: names that are no UTF-8, in Arrow and Parquet."""
    _format(path)
    if path.suffix == ".csv":
        return
    for name in (*CORE_COLUMNS, *records.extra):
        values = records.column(name)
        for row, value in enumerate(values if values.dtype == object else ()):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise RecordsError(
                    f"row {row}, column {name}: {printable(value)} is no valid UTF-8, which {path.suffix} "
                    "needs: save the table as .csv"
                ) from None


def load(path: Path) -> Records:
    """Read the table at `path`."""
    _, read = _format(path)
    if not path.is_file():
        raise RecordsError(f"no table of records at {path}")
    return read(path)


def _format(path: Path) -> tuple[Callable[[Records, Path], None], Callable[[Path], Records]]:
    formats = {
        ".csv": (_write_csv, _read_csv),
        ".arrow": (_write_arrow, _read_arrow),
        ".parquet": (_write_parquet, _read_parquet),
    }
    if path.suffix not in formats:
        raise RecordsError(
            f"{path.name}: records are kept as {', '.join(formats)}, not {path.suffix or 'no ending'}"
        )
    return formats[path.suffix]


def _write_csv(records: Records, path: Path) -> None:
    columns = [(name, _cells(getattr(records, name))) for name in CORE_COLUMNS]
    columns += [(_csv_header(name, values), _cells(values)) for name, values in records.extra.items()]
    buffer = io.StringIO(newline="")
    # the default line end: it makes the writer quote a lone carriage return as well as a line feed
    writer = csv.writer(buffer)
    writer.writerow([header for header, _ in columns])
    writer.writerows(zip(*[cells for _, cells in columns], strict=True))
    with atomic_write(path) as file:
        # paths on disk need not be valid UTF-8; surrogateescape keeps their bytes
        file.write(buffer.getvalue().encode("utf-8", "surrogateescape"))


def _csv_header(name: str, values: Array) -> str:
    if values.dtype == object:
        return name
    shape = f"[{'x'.join(map(str, values.shape[1:]))}]" if values.ndim > 1 else ""
    return f"{name}:{values.dtype.name}{shape}"


def _cells(values: Array) -> list[str]:
    if values.dtype.kind in "OU":
        return [str(value) for value in values]
    # repr of a Python number is the shortest text that reads back as the same number
    return [" ".join(repr(value) for value in np.atleast_1d(row).ravel().tolist()) for row in values]


def _read_csv(path: Path) -> Records:
    try:
        text = read_file(path, "table").decode("utf-8-sig", "surrogateescape")
    except StorageError as wrong:
        raise RecordsError(str(wrong)) from wrong
    lines = _csv_lines(text, path)
    if not lines:
        raise RecordsError(f"{path} is empty, expected a header with at least path and person")
    header, rows = lines[0], [line for line in lines[1:] if line]
    for number, line in enumerate(rows):
        if len(line) != len(header):
            raise RecordsError(f"{path}: row {number} has {len(line)} cells, expected {len(header)}")
    columns: dict[str, Array] = {}
    for position, title in enumerate(header):
        match = _HEADER.fullmatch(title.strip())
        if match is None:
            raise RecordsError(f"{path}: {title!r} is not a column name")
        name = match["name"]
        if name in columns:
            raise RecordsError(f"{path}: column {name} occurs twice")
        columns[name] = _parse(name, [line[position] for line in rows], match["dtype"], match["shape"])
    return _records(columns, str(path))


def _csv_lines(text: str, path: Path) -> list[list[str]]:
    # a cell may hold a whole part map, but what one cell may be long is a setting of the process
    usual = csv.field_size_limit(len(text) + 1)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=False))
    except csv.Error as wrong:
        raise RecordsError(f"{printable(path)} is not a CSV file: {wrong}") from wrong
    finally:
        csv.field_size_limit(usual)


def _parse(name: str, cells: Sequence[str], dtype: str | None, shape: str | None) -> Array:
    """A column's cells as values; an error names the row."""
    target = _CORE_TYPES.get(name) if dtype is None else _number_type(name, dtype)
    if target is None:
        return np.array(cells, dtype=object)
    sizes = tuple(int(size) for size in shape.split("x")) if shape else ()
    count = math.prod(sizes)
    what = f"{count} numbers" if shape else f"a value of type {np.dtype(target).name}"
    words_of = [cell.split() for cell in cells]
    # before room is made for them: a header may promise anything
    for row, words in enumerate(words_of):
        if len(words) != count and not (name in ("time", "camera") and not words):
            raise RecordsError(f"row {row}, column {name}: expected {what}, got {_shown(cells[row])}")
    values: Array = np.empty((len(cells), count if cells else 0), target)
    for row, words in enumerate(words_of):
        if not words and name in ("time", "camera"):
            words = ["nan" if name == "time" else "-1"]
        try:
            with np.errstate(over="raise"):
                values[row] = [_number(word, target) for word in words]
        except (ValueError, OverflowError, FloatingPointError):
            raise RecordsError(
                f"row {row}, column {name}: expected {what}, got {_shown(cells[row])}"
            ) from None
    return values.reshape(len(cells), *sizes) if cells else np.empty((0, *sizes), target)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= _LONGEST_SHOWN else cell[:_LONGEST_SHOWN] + "…")


def _number_type(name: str, dtype: str) -> type:
    kinds: dict[str, type] = {
        t.__name__.rstrip("_"): t
        for t in (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
    }
    kinds |= {t.__name__: t for t in (np.float16, np.float32, np.float64)}
    if dtype not in kinds:
        raise RecordsError(f"column {name}: unknown type {dtype}; known are {', '.join(kinds)}")
    return kinds[dtype]


def _number(word: str, target: type) -> Any:
    if target is np.bool_:
        return {"True": True, "False": False}[word] if word in ("True", "False") else float("bool")
    return int(word) if issubclass(target, np.integer) else float(word)


def _records(columns: dict[str, Array], source: str) -> Records:
    for name in ("path", "person"):
        if name not in columns:
            raise RecordsError(f"{source} has no column {name}; there are {', '.join(columns)}")
    core = {name: columns.pop(name) for name in CORE_COLUMNS if name in columns}
    return Records.from_columns(**core, extra=columns)


def _to_arrow(records: Records) -> Any:
    arrow = require("pyarrow", extra="arrow", purpose="reading and writing Arrow and Parquet")
    columns = {name: getattr(records, name) for name in CORE_COLUMNS} | dict(records.extra)
    shapes = {name: list(values.shape[1:]) for name, values in columns.items() if values.ndim > 1}
    arrays = {}
    for name, values in columns.items():
        if values.dtype.kind in "OU":
            arrays[name] = arrow.array(values.tolist(), arrow.string())
        elif values.ndim == 1:
            arrays[name] = arrow.array(values, from_pandas=False)
        else:
            width = int(np.prod(values.shape[1:]))
            flat = arrow.array(np.ascontiguousarray(values).reshape(-1))
            arrays[name] = arrow.FixedSizeListArray.from_arrays(flat, width)
    return arrow.table(arrays).replace_schema_metadata({_SHAPES: json.dumps(shapes)})


def _from_arrow(table: Any, path: Path) -> Records:
    table.validate(full=True)  # a damaged file may promise more than it holds
    names = table.column_names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RecordsError(f"{printable(path)}: column {twice} occurs twice")
    shapes = _shapes(table, path)
    columns: dict[str, Array] = {}
    for name in names:
        column = table.column(name).combine_chunks()
        if column.null_count:
            raise RecordsError(f"{printable(path)}: column {name} has {column.null_count} empty cells")
        if name not in shapes:
            columns[name] = column.to_numpy(zero_copy_only=False)
            continue
        flat = column.flatten().to_numpy(zero_copy_only=False)
        if flat.dtype.kind not in "biuf" or len(flat) != len(column) * math.prod(shapes[name]):
            raise RecordsError(
                f"{printable(path)}: column {name} has {len(flat)} values of type {flat.dtype}, expected "
                f"{len(column)} rows of numbers of shape {shapes[name]}"
            )
        columns[name] = flat.reshape(len(column), *shapes[name])
    return _records(columns, printable(path))


def _shapes(table: Any, path: Path) -> dict[str, list[int]]:
    """The shapes of rows by column, as they were saved."""
    text = (table.schema.metadata or {}).get(_SHAPES, b"{}")
    try:
        shapes = json.loads(text)
    except (ValueError, RecursionError):
        shapes = None
    whole = isinstance(shapes, dict) and all(
        name in table.column_names
        and isinstance(sizes, list)
        and 1 <= len(sizes) <= _MOST_DIMENSIONS
        and all(type(size) is int and 0 <= size < 2**31 for size in sizes)
        for name, sizes in shapes.items()
    )
    if not whole:
        raise RecordsError(f"{printable(path)} is damaged: the shapes of its columns cannot be {text[:80]!r}")
    return dict(shapes)


@contextmanager
def _arrow_errors(path: Path, format: str) -> Iterator[None]:
    """Whatever a compiled reader raises over a damaged file, as one sentence."""
    try:
        yield
    except RecordsError:
        raise
    except Exception as damage:
        reason = " ".join(str(damage).split())[:_LONGEST_SHOWN] or type(damage).__name__
        raise RecordsError(f"{printable(path)} is not {format} file, or damaged: {reason}") from damage


def _write_arrow(records: Records, path: Path) -> None:
    table = _to_arrow(records)
    ipc = require("pyarrow.ipc", extra="arrow", purpose="writing Arrow files")
    with atomic_write(path) as file, ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _read_arrow(path: Path) -> Records:
    arrow = require("pyarrow", extra="arrow", purpose="reading Arrow files")
    ipc = require("pyarrow.ipc", extra="arrow", purpose="reading Arrow files")
    with _arrow_errors(path, "an Arrow"), arrow.OSFile(os.fsencode(path)) as file:
        return _from_arrow(ipc.open_file(file).read_all(), path)


def _write_parquet(records: Records, path: Path) -> None:
    table = _to_arrow(records)
    parquet = require("pyarrow.parquet", extra="arrow", purpose="writing Parquet files")
    with atomic_write(path) as file:
        parquet.write_table(table, file)


def _read_parquet(path: Path) -> Records:
    parquet = require("pyarrow.parquet", extra="arrow", purpose="reading Parquet files")
    # through a file of ours: a name may be no text, or look like the address of a store
    with _arrow_errors(path, "a Parquet"), path.open("rb") as file:
        return _from_arrow(parquet.ParquetFile(file).read(), path)
