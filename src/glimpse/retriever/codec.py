"""Similarities and re-rankings as JSON values, for the card, and their arrays, for a file beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_origin

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, load_file, save

from glimpse.embeddings import read_about
from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.files import atomic_write, printable
from glimpse.reranking import AlphaQueryExpansion, KReciprocal, Reranker, SimilarityInference
from glimpse.serial import WrongKeysError, WrongValueError, from_plain, to_plain
from glimpse.similarity import Similarity
from glimpse.similarity.registry import SimilarityClasses

Thing = TypeVar("Thing")
Arrays = dict[str, NDArray[Any]]

SIMILARITIES: Mapping[str, type[Similarity]] = SimilarityClasses()
RERANKERS: Mapping[str, type[Reranker]] = MappingProxyType(
    {"sim": SimilarityInference, "k-reciprocal": KReciprocal, "query-expansion": AlphaQueryExpansion}
)
ARRAYS = "comparing.safetensors"
_TEXT, _ARRAYS_AS_TEXT = "glimpse.comparison", "glimpse.arrays"
COMPARISON = "comparison"
"""Under which a file of embeddings says how they are compared; its arrays' names begin with it."""
_FORMER = MappingProxyType({"precision": "dtype"})  # of similarities, in cards of earlier versions
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
    name = name_of(type(thing), known)
    if name is None:
        raise OptionError(f"a card cannot hold {type(thing).__name__}; it can hold {', '.join(known)}")
    return {"name": name} | _values(thing, arrays, place)


def name_of(kind: type[Any], known: Mapping[str, type[Any]]) -> str | None:
    """What a class is called among those that are known; None if it is none of them."""
    for name in known:
        try:
            if known[name] is kind:
                return name
        except OptionError:  # of another package that cannot be loaded, so that `kind` is not from there
            continue
    return None


def from_json(values: Any, known: Mapping[str, type[Thing]], arrays: Arrays) -> Thing:
    """Back from `to_json`; anything unknown, missing or of another type is an `OptionError`."""
    name = values.get("name") if isinstance(values, dict) else values
    if not isinstance(values, dict) or not isinstance(name, str) or name not in known:
        raise OptionError(f"the card names {name!r}; there are {', '.join(known)}")
    kind = known[values["name"]]
    return _built(kind, values["name"], _named_as_today(kind, values), arrays)


def comparison_to_text(similarity: Similarity, reranker: Reranker | None, arrays: Arrays) -> str:
    """How embeddings are compared, as the JSON that is kept beside them; `arrays` takes in its arrays."""
    values = {
        "similarity": to_json(similarity, SIMILARITIES, arrays, COMPARISON + "."),
        "reranker": None if reranker is None else to_json(reranker, RERANKERS, arrays),
    }
    return json.dumps(values, allow_nan=False)


def comparison_from_text(text: str, arrays: Arrays) -> tuple[Similarity, Reranker | None]:
    """Back from `comparison_to_text`."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as damage:
        raise OptionError(f"how they are compared cannot be read: {damage}") from damage
    if not isinstance(values, dict) or set(values) != {"similarity", "reranker"}:
        raise OptionError(f"how they are compared must be a similarity and a reranker, got {text!r}")
    reranker = values["reranker"]
    return (
        from_json(values["similarity"], SIMILARITIES, arrays),
        None if reranker is None else from_json(reranker, RERANKERS, {}),
    )


Comparison = tuple[Similarity, Reranker | None]
"""How embeddings are compared, and perhaps re-ranked."""


def same_comparison(one: Comparison, other: Comparison) -> bool:
    """Whether both are the same, arrays included."""
    ours: Arrays = {}
    theirs: Arrays = {}
    if comparison_to_text(*one, ours) != comparison_to_text(*other, theirs):
        return False
    return all(np.array_equal(array, theirs[name]) for name, array in ours.items())


def read_comparison(path: Path) -> Comparison | None:
    """How the embeddings in a file are compared; None if it does not say."""
    about = read_about(path)
    if COMPARISON not in about:
        return None
    try:
        with safe_open(path, framework="numpy") as held:
            names = [name for name in held.keys() if name.startswith(COMPARISON + ".")]  # noqa: SIM118
            arrays = {name: held.get_tensor(name) for name in names}
        return comparison_from_text(about[COMPARISON], arrays)
    except (SafetensorError, OSError, TypeError, OptionError, ShapeError) as damage:
        raise StorageError(f"{printable(path)} does not say how it is compared: {damage}") from damage


def comparison_to_texts(similarity: Similarity, reranker: Reranker | None) -> dict[str, str]:
    """How embeddings are compared as texts alone, for files that hold nothing else, as a model's metadata."""
    arrays: Arrays = {}
    texts = {_TEXT: comparison_to_text(similarity, reranker, arrays)}
    if arrays:
        texts[_ARRAYS_AS_TEXT] = base64.b64encode(save(arrays)).decode()
    return texts


def comparison_from_texts(texts: Mapping[str, str]) -> Comparison | None:
    """Back from `comparison_to_texts`; None if the texts say nothing of it."""
    if _TEXT not in texts:
        return None
    try:
        arrays = load(base64.b64decode(texts.get(_ARRAYS_AS_TEXT, ""))) if _ARRAYS_AS_TEXT in texts else {}
        return comparison_from_text(texts[_TEXT], dict(arrays))
    except (ValueError, SafetensorError) as damage:
        raise StorageError(f"how its embeddings are compared cannot be read: {damage}") from damage


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


def _named_as_today(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    own = _kept(kind)
    former = {old: new for old, new in _FORMER.items() if new in own and old not in own}
    return {former.get(key, key): value for key, value in values.items() if key != "name"}


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
