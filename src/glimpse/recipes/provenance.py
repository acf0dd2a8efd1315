"""Recipes: everything that defines how a method is trained, typed, frozen, and with its source at each key.

A recipe is a frozen dataclass of values and of groups, which are frozen dataclasses themselves. The types of
numbers say their ranges (`glimpse.ranges`):

    @dataclass(frozen=True)
    class BotRecipe(Checked):
        epochs: Epochs = given(120, "bot.md, 'Constants'")
        optimizer: OptimizerRecipe = group(OptimizerRecipe, lr=given(3.5e-4, "bot.md, 'Constants'"))

>>> from glimpse.recipes.groups import SamplerRecipe
>>> changed = with_settings(SamplerRecipe(), ["images=8"])
>>> for entry in entries(changed):
...     print(entry)
persons = 16 (int), read in the authors' code: baselines.md, 'PK sampler'
images = 8 (int), read in the authors' code: baselines.md, 'PK sampler'
balanced = false (bool), our choice: K of every modality, as AGW and SIM (baselines.md, 'Balanced sampler')
distinct = false (bool), our choice: every image of a person before one again (baselines.md, 'PK sampler')
length = images (images | larger-modality | persons), our choice: of an epoch, balanced

Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from glimpse import ranges
from glimpse.errors import OptionError
from glimpse.options import typed_pairs
from glimpse.serial import WrongKeysError, WrongValueError, from_plain, to_plain, to_text, words_of

T = TypeVar("T")
_PROVENANCE = "provenance"


class Origin(StrEnum):
    """Where a value is from."""

    GIVEN = "given"
    CODE = "read in the authors' code"
    OURS = "our choice"


@dataclass(frozen=True)
class Provenance:
    """Where a value is from, and the section of our specification (or the reason) that tells more."""

    origin: Origin
    where: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.where}"


def given(value: T, where: str) -> T:
    """The default of a key that the paper or its specification gives."""
    return _key(value, Origin.GIVEN, where)


def read_in_code(value: T, where: str) -> T:
    """The default of a key that was read in the authors' code."""
    return _key(value, Origin.CODE, where)


def our_choice(value: T, where: str) -> T:
    """The default of a key that no source fixes, and why it is what it is."""
    return _key(value, Origin.OURS, where)


def _key(value: T, origin: Origin, where: str) -> T:
    field: T = dataclasses.field(default=value, metadata={_PROVENANCE: Provenance(origin, where)})
    return field


def group(kind: type[T], /, **keys: Any) -> T:
    """The default of a group: its own defaults, but for the keys named here with their provenance."""
    unknown = keys.keys() - {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise TypeError(f"{kind.__name__} has no key {min(unknown)}")
    value = kind(**{name: key.default for name, key in keys.items()})
    provenance = {name: key.metadata[_PROVENANCE] for name, key in keys.items()}
    field: T = dataclasses.field(default=value, metadata={_PROVENANCE: provenance})
    return field


class Checked:
    """A recipe or a group of keys, which cannot be made of numbers outside the ranges of their types.

    One that has a `__post_init__` of its own calls this one first.
    """

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():  # type: ignore[arg-type]
            ranges.check(name, getattr(self, name), hint)


@dataclass(frozen=True)
class Entry:
    """One key of a recipe.

    Attributes:
        key: dotted, as `--set` takes it.
        value: what it is.
        kind: its type, in words.
        range: of its numbers, in words; nothing if it has none.
        provenance: of the default.
    """

    key: str
    value: Any
    kind: str
    range: str
    provenance: Provenance

    def __str__(self) -> str:
        return f"{self.key} = {to_text(self.value)} ({self.kind}), {self.provenance}"


def entries(recipe: Any) -> list[Entry]:
    """Every key of a recipe, groups opened, in the order of declaration."""
    return [
        Entry(key, value, words_of(hint), ranges.in_words(hint), provenance)
        for key, value, hint, provenance in _walk(recipe)
    ]


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """The types of a recipe's fields, with their ranges."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _walk(
    recipe: Any, before: str = "", overriding: Mapping[str, Provenance] | None = None
) -> Iterable[tuple[str, Any, Any, Provenance]]:
    hints = _hints(type(recipe))  # type: ignore[arg-type]
    for field in dataclasses.fields(recipe):
        key, value = before + field.name, getattr(recipe, field.name)
        source = (overriding or {}).get(field.name, field.metadata.get(_PROVENANCE))
        if dataclasses.is_dataclass(value):
            yield from _walk(value, key + ".", source if isinstance(source, dict) else None)
        elif isinstance(source, Provenance):
            yield key, value, hints[field.name], source
        else:
            raise TypeError(f"the key {key} of {type(recipe).__name__} does not say where its value is from")


def with_settings(recipe: T, pairs: Iterable[str]) -> T:
    """The recipe with some keys set, each as `key=value`, read by the key's type.

    Raises:
        OptionError: for an unknown key, naming the nearest ones; a value that the type does not allow; or
            a key given twice.
    """
    hints = {key: hint for key, _, hint, _ in _walk(recipe)}
    changes = typed_pairs(pairs, hints, "key", lambda key: _nearest(key, list(hints)))
    return _replaced(recipe, changes)


def to_json(recipe: Any) -> dict[str, Any]:
    """The recipe as JSON values, groups as objects."""
    values: dict[str, Any] = to_plain(recipe)
    return values


def from_json(kind: type[T], values: Mapping[str, Any]) -> T:
    """Back from `to_json`; every key must be there, and no other."""
    try:
        return from_plain(kind, values, complete=True)
    except (WrongKeysError, WrongValueError) as error:
        wrong = error if isinstance(error, WrongKeysError) else f"{kind.__name__} has a wrong value: {error}"
        raise OptionError(f"a stored {wrong}") from error


def _replaced(recipe: T, changes: Mapping[str, Any]) -> T:
    own: dict[str, Any] = {}
    for key, value in changes.items():
        first, _, rest = key.partition(".")
        if rest:
            inner = {k.partition(".")[2]: v for k, v in changes.items() if k.startswith(first + ".")}
            own[first] = _replaced(getattr(recipe, first), inner)
        else:
            own[first] = value
    return dataclasses.replace(recipe, **own)  # type: ignore[type-var]


def _nearest(key: str, known: list[str]) -> str:
    by_last: dict[str, list[str]] = {}
    for name in known:
        by_last.setdefault(name.rpartition(".")[2], []).append(name)
    near = get_close_matches(key, known, n=2)
    # who writes `lr` or `rat` means the last part of some key
    near += [n for last in get_close_matches(key.rpartition(".")[2], by_last, n=2) for n in by_last[last]]
    if not near:
        return "`glimpse recipes show METHOD` lists them all"
    return f"did you mean {' or '.join(dict.fromkeys(near))}?"
