"""Similarities and re-rankings as JSON values, for the card, and their arrays, for a file beside it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from glimpse.choices import SimilarityName
from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_write
from glimpse.reranking import AlphaQueryExpansion, KReciprocal, Reranker, SimilarityInference
from glimpse.similarity import (
    ConflictPenalized,
    Cosine,
    Euclidean,
    MaskedCosine,
    PartCosine,
    SetJaccard,
    Similarity,
    TwoPass,
)

Thing = TypeVar("Thing")
Arrays = dict[str, NDArray[Any]]

SIMILARITIES: Mapping[str, type[Similarity]] = MappingProxyType(
    {
        SimilarityName.COSINE.value: Cosine,
        SimilarityName.MASKED_COSINE.value: MaskedCosine,
        SimilarityName.SET_JACCARD.value: SetJaccard,
        "euclidean": Euclidean,
        "part-cosine": PartCosine,
        "conflict-penalized": ConflictPenalized,
        "two-pass": TwoPass,
    }
)
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
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Similarity):
        return to_json(value, SIMILARITIES, arrays, place + ".")
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return place
    if is_dataclass(value):
        return _values(value, arrays, place + ".")
    return value


def _built(kind: type[Thing], name: str, given: Mapping[str, Any], arrays: Arrays) -> Thing:
    unknown = sorted(set(given) - set(_kept(kind)))
    if unknown:
        raise OptionError(
            f"the card's {name} has no value {unknown[0]!r}; there are {', '.join(_kept(kind))}"
        )
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]
    missing = [need for need in needed if need not in given]
    if missing:
        raise OptionError(f"the card's {name} lacks the value {missing[0]!r}")
    hints = get_type_hints(kind)
    return kind(**{key: _typed(key, value, hints[key], arrays) for key, value in given.items()})


def _typed(name: str, value: Any, hint: Any, arrays: Arrays) -> Any:
    if get_origin(hint) is np.ndarray:
        return _array(name, value, arrays)
    if isinstance(hint, type) and issubclass(hint, Similarity):
        return from_json(value, SIMILARITIES, arrays)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise OptionError(f"the card's value {name} must hold values of its own, got {value!r}")
        return _built(hint, name, value, arrays)
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            named = {member.name.lower(): member for member in kind}
            if isinstance(value, str) and value in named:
                return named[value]
        elif type(value) is kind or (kind is float and type(value) is int):
            return kind() if value is None else kind(value)
    allowed = " or ".join(
        ", ".join(member.name.lower() for member in kind)
        if isinstance(kind, type) and issubclass(kind, Enum)
        else kind.__name__
        for kind in kinds
    )
    raise OptionError(f"the card's value {name} must be {allowed}, got {value!r}")


def _array(name: str, value: Any, arrays: Arrays) -> NDArray[Any]:
    if not isinstance(value, str) or value not in arrays:
        raise OptionError(f"the card's {name} is the array {value!r}, which {ARRAYS} does not hold")
    return arrays[value]
