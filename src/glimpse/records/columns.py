"""What each column of `Records` may hold, and the checks that say row and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.errors import RecordsError

JUNK = -1
"""Person of a row that counts neither for nor against anybody (Market-1501's `-1`)."""
DISTRACTOR = -2
"""Person of a row that is nobody in particular and always a wrong answer (Market-1501's `0000`)."""
NO_CAMERA = -1
"""Camera of a row whose camera is not known."""

RGB, IR, TEXT = "rgb", "ir", "text"
IMAGE_MODALITIES = (RGB, IR)
MODALITIES = (*IMAGE_MODALITIES, TEXT)
NO_MODALITY = ""
"""Modality of an image of which nobody knows what light it was taken in."""
WHOLE, OCCLUDED, PARTIAL = "whole", "occluded", "partial"
KINDS = ("", WHOLE, OCCLUDED, PARTIAL)
"""How much of the person the row shows; empty where the layout does not say."""

LARGEST = np.iinfo(np.int64).max
"""The largest number of a person or a camera."""

CORE_COLUMNS = ("path", "person", "camera", "modality", "caption", "time", "kind")

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Array = NDArray[Any]


def length(values: ArrayLike) -> int:
    """How many rows the first column gives the table."""
    array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise RecordsError(f"column path must be one-dimensional, got shape {array.shape}")
    return len(array)


def frozen(values: Array) -> Array:
    """A view that cannot be written through."""
    view = values.view()
    view.flags.writeable = False
    return view


def one_dimensional(name: str, values: Array) -> Array:
    """The column itself, or an error that says its shape."""
    if values.ndim != 1:
        raise RecordsError(f"column {name} must be one-dimensional, got shape {values.shape}")
    return values


def strings(name: str, values: ArrayLike) -> Array:
    """A column of text, kept as objects: paths and captions vary widely in length."""
    array = one_dimensional(name, np.asarray(values, dtype=object))
    for row, value in enumerate(array):
        if not isinstance(value, str):
            raise RecordsError(f"row {row}, column {name}: expected text, got {value!r}")
    return array


def whole_numbers(name: str, values: ArrayLike) -> IntArray:
    """A column of whole numbers; neither fractions nor booleans are persons or cameras."""
    array = one_dimensional(name, np.asarray(values))
    if array.size == 0:
        return np.empty(0, np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        bad = next(
            (row for row, value in enumerate(array.tolist()) if type(value) is not int), 0
        )  # bool is not a person
        raise RecordsError(f"row {bad}, column {name}: expected a whole number, got {array[bad]!r}")
    if array.dtype == np.uint64 and array.max() > LARGEST:
        bad = int(np.argmax(array > LARGEST))
        raise RecordsError(
            f"row {bad}, column {name}: {array[bad]} is more than {LARGEST}, the largest number"
        )
    return array.astype(np.int64)


def words(name: str, values: ArrayLike, allowed: Sequence[str]) -> Array:
    """A column of words from a small vocabulary."""
    array = one_dimensional(name, np.asarray(values))
    if array.size == 0:
        return np.empty(0, word_type(allowed))
    wrong = np.flatnonzero(~np.isin(array.astype(object), np.array(allowed, object)))
    if wrong.size:
        choices = ", ".join(repr(word) for word in allowed)
        raise RecordsError(f"row {wrong[0]}, column {name}: expected {choices}, got {array[wrong[0]]!r}")
    return array.astype(word_type(allowed))


def word_type(allowed: Sequence[str]) -> str:
    """The narrowest fixed-width type that holds every word."""
    return f"<U{max(map(len, allowed))}"


def times(values: ArrayLike) -> NDArray[np.float64]:
    """A column of times; NaN stands for unknown."""
    array = one_dimensional("time", np.asarray(values))
    if array.size and not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise RecordsError(f"column time: expected numbers, got {array.dtype}")
    times = array.astype(np.float64)
    endless = np.flatnonzero(np.isinf(times))
    if endless.size:
        raise RecordsError(
            f"row {endless[0]}, column time: expected a finite number or NaN, got {times[endless[0]]}"
        )
    return times


def extra_column(name: str, values: ArrayLike) -> Array:
    """A further column: numbers and booleans of any row shape, or text."""
    if name in CORE_COLUMNS:
        raise RecordsError(f"column {name} is a core column and cannot be an extra one")
    if not name or set(name) & set(":[]\n\r"):
        raise RecordsError(f"column {name!r}: a name cannot be empty nor hold a colon, bracket or line break")
    array = np.asarray(values)
    if array.ndim == 0:
        raise RecordsError(f"column {name} must have a row per record, got a single value")
    if array.dtype.kind in "US":
        array = array.astype(object)
    if array.dtype == object:
        return strings(name, array)
    if array.dtype.kind not in "biuf":
        raise RecordsError(f"column {name}: expected numbers, booleans or text, got {array.dtype}")
    return array


def check_rows(columns: Mapping[str, Array]) -> None:
    """Rules that look at values: who may be negative, who needs a caption, whose path is unique."""
    person, camera, path, modality = (columns[name] for name in ("person", "camera", "path", "modality"))
    wrong = np.flatnonzero((person < 0) & (person != JUNK) & (person != DISTRACTOR))
    if wrong.size:
        raise RecordsError(
            f"row {wrong[0]}, column person: {person[wrong[0]]} is negative; "
            f"only {JUNK} (junk) and {DISTRACTOR} (distractor) may be"
        )
    wrong = np.flatnonzero((camera < 0) & (camera != NO_CAMERA))
    if wrong.size:
        raise RecordsError(
            f"row {wrong[0]}, column camera: {camera[wrong[0]]} is negative; "
            f"only {NO_CAMERA} (unknown) may be"
        )
    is_text = modality == TEXT
    wordless = np.flatnonzero(is_text & (columns["caption"] == ""))
    if wordless.size:
        raise RecordsError(f"row {wordless[0]}, column caption: a text row needs a caption")
    seen: dict[str, int] = {}
    for row in np.flatnonzero(~is_text):
        first = seen.setdefault(path[row], int(row))
        if first != row:
            raise RecordsError(f"row {row}, column path: {path[row]!r} is already in row {first}")


def same(mine: Array, theirs: Array) -> bool:
    """Whether two columns hold the same values; unknown times are equal."""
    if mine.shape != theirs.shape:
        return False
    return bool(np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f" and theirs.dtype.kind == "f"))
