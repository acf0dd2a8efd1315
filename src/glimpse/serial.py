"""Dataclasses of plain values as JSON and as text, and back by the types of their fields.

Recipes, cards, similarities and the options of commands all go through here. Plain values are booleans,
numbers, strings, paths, enums (by their value), None, tuples and dataclasses of these.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union

from glimpse import ranges
from glimpse.errors import OptionError

T = TypeVar("T")

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Convert = Callable[[str, Any, Any], Any]
"""Takes name, value and type hint of what is no plain value; gives `NotImplemented` for all else."""


class WrongKeysError(ValueError):
    """The stored keys are not those of the dataclass.

    Attributes:
        kind: the dataclass, by name.
        key: the first one that is wrong.
        missing: whether it is missing; else it is unknown.
        known: the keys that there are.
    """

    def __init__(self, kind: str, key: str, missing: bool, known: list[str]) -> None:
        super().__init__(f"{kind} {'lacks' if missing else 'has the unknown key'} {key}")
        self.kind, self.key, self.missing, self.known = kind, key, missing, known


class WrongValueError(ValueError):
    """A stored value is not of its field's type.

    Attributes:
        key: of the field.
        allowed: what it may be, in words.
        value: what it is.
    """

    def __init__(self, key: str, allowed: str, value: Any) -> None:
        super().__init__(f"{key} must be {allowed}, got {value!r}")
        self.key, self.allowed, self.value = key, allowed, value


def parse_json(text: str | bytes) -> Any:
    """JSON from a file that anybody may have written; whatever is wrong with it is a `ValueError`.

    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    ValueError: it is nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def to_plain(value: Any) -> Any:
    """The value as JSON values: dataclasses as objects, tuples as lists, enums and paths as strings.

    >>> to_plain((1, Path("a"), None))
    [1, 'a', None]
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {key: to_plain(part) for key, part in value.items()}
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def from_plain(
    kind: type[T],
    values: Mapping[str, Any],
    *,
    complete: bool = False,
    leave_out: tuple[str, ...] = (),
    convert: Convert | None = None,
) -> T:
    """Back from `to_plain`: a dataclass from its fields, each checked by its type.

    Args:
        kind: the dataclass.
        values: by field.
        complete: every field must be there; else those without a default.
        leave_out: fields that are not stored.
        convert: reads what is no plain value.

    Raises:
        WrongKeysError: if a key is unknown or missing.
        WrongValueError: if a value is of another type than its field.
    """
    if not isinstance(values, Mapping):
        raise WrongValueError(kind.__name__, "an object with values of its own", values)
    hints = typing.get_type_hints(kind)
    stored = {f.name: f for f in fields(typing.cast("Any", kind)) if f.name not in leave_out}
    unknown = sorted(values.keys() - stored.keys())
    if unknown:
        raise WrongKeysError(kind.__name__, unknown[0], False, list(stored))
    for name, field in stored.items():
        needed = complete or (field.default is MISSING and field.default_factory is MISSING)
        if needed and name not in values:
            raise WrongKeysError(kind.__name__, name, True, list(stored))
    return kind(**{n: typed(n, v, hints[n], complete=complete, convert=convert) for n, v in values.items()})


def typed(name: str, value: Any, hint: Any, *, complete: bool = False, convert: Convert | None = None) -> Any:
    """One JSON value by the type of its field.

    >>> typed("size", [256, 128], tuple[int, int])
    (256, 128)
    """
    if convert is not None and (read := convert(name, value, hint)) is not NotImplemented:
        return read
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        for choice in typing.get_args(hint):
            try:
                return typed(name, value, choice, complete=complete, convert=convert)
            except WrongValueError:
                continue
        raise WrongValueError(name, words_of(hint), value)
    if origin is tuple:
        return _tuple(name, value, hint, complete, convert)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise WrongValueError(name, f"one of {words_of(hint).replace(' |', ',')}", value) from None
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise WrongValueError(name, "an object with values of its own", value)
        kind = typing.cast("type[Any]", hint)
        return from_plain(kind, value, complete=complete, convert=convert)
    if hint in (None, type(None)):
        if value is None:
            return None
    elif hint is Path and isinstance(value, str):
        return Path(value)
    elif type(value) is hint or (hint is float and type(value) is int):
        return hint(value)
    raise WrongValueError(name, f"of type {words_of(hint)}", value)


def _tuple(name: str, value: Any, hint: Any, complete: bool, convert: Convert | None) -> tuple[Any, ...]:
    kinds = typing.get_args(hint)
    if not isinstance(value, list | tuple):
        raise WrongValueError(name, f"a list of {words_of(hint)}", value)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise WrongValueError(name, f"a list of {len(kinds)} values", value)
    return tuple(
        typed(name, part, kind, complete=complete, convert=convert)
        for part, kind in zip(value, kinds, strict=True)
    )


def words_of(hint: Any) -> str:
    """A type as a reader wants it: `int`, `sgd | adam`, `int, int`, `float or none`.

    >>> words_of(tuple[int, ...]), words_of(float | None)
    ('int, ...', 'float or none')
    """
    hint, _ = ranges.parts(hint)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return ", ".join("..." if kind is Ellipsis else words_of(kind) for kind in arguments)
    if typing.get_origin(hint) in (Union, types.UnionType):
        return " or ".join("none" if kind is type(None) else words_of(kind) for kind in arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " | ".join(str(member.value) for member in hint)
    return str(getattr(hint, "__name__", hint))


def to_text(value: Any) -> str:
    """A value as `--set` takes it.

    >>> to_text((40, 70)), to_text(None), to_text(True)
    ('40,70', 'none', 'true')
    """
    if isinstance(value, tuple):
        return ",".join(map(to_text, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def from_text(name: str, text: str, kind: Any) -> Any:
    """Read one value as `kind`: bool, int, float, str, Path, an Enum, one of these or None, or a tuple.

    Numbers must lie in the range that their type declares (`glimpse.ranges`).

    >>> from_text("draw", "none", int | None) is None
    True
    >>> from_text("split", "three", int)
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: the option split must be a whole number, got 'three'
    """
    kind, limits = ranges.parts(kind)
    if limits is not None:
        value = from_text(name, text, kind)
        if value not in limits:
            raise OptionError(f"the option {name} must be {_asked_for(kind)} {limits}, got {text!r}")
        return value
    if typing.get_origin(kind) is tuple:
        return _tuple_from_text(name, text, typing.get_args(kind))
    choices = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in choices and text.lower() == "none":
        return None
    # `Path | str` stands for anything that names a path: the first choice decides
    target = next(choice for choice in choices if choice is not type(None))
    if ranges.parts(target)[1] is not None:
        return from_text(name, text, target)
    try:
        if target is bool:
            return _BOOLEANS[text.lower()]
        if isinstance(target, type) and issubclass(target, Enum):
            return target(text.lower())
        if target in (int, float, str, Path):
            return target(text)
    except (ValueError, KeyError):
        raise OptionError(f"the option {name} must be {_asked_for(target)}, got {text!r}") from None
    raise TypeError(f"the option {name} has the type {kind}, which no text can be read as")


def _tuple_from_text(name: str, text: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",")] if text else []
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(parts)
    if len(parts) != len(kinds):
        raise OptionError(f"the key {name} needs {len(kinds)} values with commas between them, got {text!r}")
    return tuple(from_text(name, part, kind) for part, kind in zip(parts, kinds, strict=True))


def _asked_for(target: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    if isinstance(target, type) and issubclass(target, Enum):
        return "one of " + ", ".join(str(member.value) for member in target)
    return names.get(target, str(target))
