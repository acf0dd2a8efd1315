"""Similarities and re-rankings as JSON values, for the card, and their arrays, for a file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_origin

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_write
from glimpse.reranking import AlphaQueryExpansion, KReciprocal, Reranker, SimilarityInference
from glimpse.serial import WrongKeysError, WrongValueError, from_plain, to_plain
from glimpse.similarity import Similarity
from glimpse.similarity.registry import similarity_classes

Thing = TypeVar("Thing")
Arrays = dict[str, NDArray[Any]]

SIMILARITIES = similarity_classes()
RERANKERS: Mapping[str, type[Reranker]] = MappingProxyType(
    {"sim": SimilarityInference, "k-reciprocal": KReciprocal, "query-expansion": AlphaQueryExpansion}
)
ARRAYS = "comparing.safetensors"
_OF_THE_MACHINE = ("device",)  # where things are computed is not the card's business


def to_json(thing: object, known: Mapping[str, type[Any]], arrays: Arrays, place: str = "") -> dict[str, Any]:
    """A frozen dataclass as its name among `known` and its fields.

    Args:
        thing: its fields are plain values, enums, similarities, dataclasses of these, or arrays.
        known: what can be named.
        arrays: takes in the arrays; the JSON holds their names there.
        place: what those names begin with.

    >>> to_json(KReciprocal(k1=10), RERANKERS, {})
    {'name': 'k-reciprocal', 'k1': 10, 'k2': 6, 'weight': 0.3, 'k_plus_self': True}
    """
    names = [name for name, kind in known.items() if kind is type(thing)]
    if not names:
        raise OptionError(f"a card cannot hold {type(thing).__name__}; it can hold {', '.join(known)}")
    return {"name": names[0]} | _values(thing, arrays, place)


def from_json(values: Any, known: Mapping[str, type[Thing]], arrays: Arrays) -> Thing:
    """Back from `to_json`; anything unknown, missing or of another type is an `OptionError`."""
    if not isinstance(values, dict) or values.get("name") not in known:
        got = values.get("name") if isinstance(values, dict) else values
        raise OptionError(f"the card names {got!r}; there are {', '.join(known)}")
    kind = known[values["name"]]
    return _built(kind, values["name"], {n: v for n, v in values.items() if n != "name"}, arrays)


def write_arrays(folder: Path, arrays: Arrays, name: str = ARRAYS) -> None:
    """Write the arrays beside the card, if there are any."""
    if arrays:
        with atomic_write(folder / name) as file:
            file.write(save({key: np.asarray(array, order="C") for key, array in arrays.items()}))


def read_arrays(folder: Path, name: str = ARRAYS) -> Arrays:
    """What `write_arrays` wrote."""
    if not (folder / name).is_file():
        return {}
    try:
        return dict(load_file(folder / name))
    except (OSError, ValueError, SafetensorError) as damage:
        raise StorageError(f"the file {name} of the retriever {folder.name} is damaged: {damage}") from damage


def _kept(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in _OF_THE_MACHINE]


def _values(thing: object, arrays: Arrays, place: str) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name), arrays, place + name) for name in _kept(type(thing))}


def _plain(value: Any, arrays: Arrays, place: str) -> Any:
    if isinstance(value, Similarity):
        return to_json(value, SIMILARITIES, arrays, place + ".")
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return place
    if is_dataclass(value):
        return _values(value, arrays, place + ".")
    return to_plain(value)


def _built(kind: type[Thing], name: str, given: Mapping[str, Any], arrays: Arrays) -> Thing:
    def convert(key: str, value: Any, hint: Any) -> Any:
        if get_origin(hint) is np.ndarray:
            return _array(key, value, arrays)
        if isinstance(hint, type) and issubclass(hint, Similarity):
            return from_json(value, SIMILARITIES, arrays)
        return NotImplemented

    try:
        return from_plain(kind, given, leave_out=_OF_THE_MACHINE, convert=convert)
    except WrongKeysError as error:
        if error.missing:
            raise OptionError(f"the card's {name} lacks the value {error.key!r}") from error
        raise OptionError(
            f"the card's {name} has no value {error.key!r}; there are {', '.join(error.known)}"
        ) from error
    except WrongValueError as error:
        raise OptionError(f"the card's value {error}") from error


def _array(name: str, value: Any, arrays: Arrays) -> NDArray[Any]:
    if not isinstance(value, str) or value not in arrays:
        raise OptionError(f"the card's {name} is the array {value!r}, which {ARRAYS} does not hold")
    return arrays[value]
