"""Similarities and re-rankings as JSON values, for the card."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from glimpse.errors import OptionError
from glimpse.methods.card import SimilarityName
from glimpse.reranking import AlphaQueryExpansion, KReciprocal, Reranker, SimilarityInference
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, PartCosine, SetJaccard, Similarity

Thing = TypeVar("Thing")

SIMILARITIES: Mapping[str, type[Similarity]] = MappingProxyType(
    {
        SimilarityName.COSINE.value: Cosine,
        SimilarityName.MASKED_COSINE.value: MaskedCosine,
        SimilarityName.SET_JACCARD.value: SetJaccard,
        "euclidean": Euclidean,
        "part-cosine": PartCosine,
    }
)
RERANKERS: Mapping[str, type[Reranker]] = MappingProxyType(
    {"sim": SimilarityInference, "k-reciprocal": KReciprocal, "query-expansion": AlphaQueryExpansion}
)
# where things are computed, and how exactly, is the machine's business and not the card's
_OF_THE_MACHINE = ("device", "precision")


def to_json(thing: object, known: Mapping[str, type[Any]]) -> dict[str, Any]:
    """A frozen dataclass of plain values as its name among `known` and its fields.

    >>> to_json(KReciprocal(k1=10), RERANKERS)
    {'name': 'k-reciprocal', 'k1': 10, 'k2': 6, 'weight': 0.3, 'k_plus_self': True}
    """
    names = [name for name, kind in known.items() if kind is type(thing)]
    if not names:
        raise OptionError(f"a card cannot hold {type(thing).__name__}; it can hold {', '.join(known)}")
    return {"name": names[0]} | {name: _plain(getattr(thing, name)) for name in _kept(type(thing))}


def from_json(values: Any, known: Mapping[str, type[Thing]]) -> Thing:
    """Back from `to_json`; anything unknown or of another type is an `OptionError`."""
    if not isinstance(values, dict) or values.get("name") not in known:
        got = values.get("name") if isinstance(values, dict) else values
        raise OptionError(f"the card names {got!r}; there are {', '.join(known)}")
    kind = known[values["name"]]
    given = {name: value for name, value in values.items() if name != "name"}
    unknown = sorted(set(given) - set(_kept(kind)))
    if unknown:
        raise OptionError(
            f"the card's {values['name']} has no value {unknown[0]!r}; there are {', '.join(_kept(kind))}"
        )
    hints = get_type_hints(kind)
    return kind(**{name: _typed(name, value, hints[name]) for name, value in given.items()})


def _kept(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in _OF_THE_MACHINE]


def _plain(value: Any) -> Any:
    return value.name.lower() if isinstance(value, Enum) else value


def _typed(name: str, value: Any, hint: Any) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            named = {member.name.lower(): member for member in kind}
            if value in named:
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
